#include "serve/library/overview_routes.h"

#include <algorithm>
#include <utility>

#include "library/duplicates.h"
#include "library/listing.h"
#include "library/space_map.h"
#include "serve/dialects/openai.h"
#include "serve/library/photo_json.h"
#include "serve/library/served_library.h"

namespace e5v::serve {
namespace {

using View = library::LibraryReader::View;

Json counts_json(const std::vector<library::Count>& counts) {
  Json list = Json::array();
  for (const library::Count& count : counts) list.push_back({{"value", count.value}, {"photos", count.photos}});
  return list;
}

std::string text_of_json(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

http::Response no_store(std::string body) {
  http::Response response{.body = std::move(body)};
  response.fields.add("Cache-Control", "no-store");
  return response;
}

Json library_info(ServedLibrary& library, const View& view) {
  const library::Counts counts = view.library.catalogue().counts();
  const library::FilterValues values = library::filter_values(view.database);
  const ServedModel& model = *library.model();
  Json described{{"name", model.name}, {"dimensions", model.embedder.width()}, {"compute", model.dtype}};
  if (!library.note().empty()) described["note"] = library.note();
  return {
      {"photos", allowed_rows(view.database, {}).size()},
      {"files", {{"done", counts.done}, {"waiting", counts.waiting}, {"failed", counts.failed}, {"gone", counts.gone}}},
      {"model", std::move(described)},
      {"cameras", counts_json(values.cameras)},
      {"folders", counts_json(values.folders)},
      {"first", values.first},
      {"last", values.last},
      {"ratings", values.ratings}};
}

http::Response info_response(const Exchange& exchange) {
  ServedLibrary& library = *exchange.context.library;
  return no_store(library.reader().read([&](const View& view) {
    return library.descriptions.get("info", view.state, [&] { return text_of_json(library_info(library, view)); });
  }));
}

std::int64_t state_of_library(ServedLibrary& library) {
  return library.reader().read([](const View& view) { return view.state; });
}

/// The files of a group as photos, each with its path, size, and id.
Json group_json(const library::DuplicateGroup& group, library::Catalogue& catalogue) {
  Json files = Json::array();
  for (const library::DuplicateFile& file : group.files) {
    Json json{{"path", file.path}, {"bytes", file.bytes}, {"width", file.width}, {"height", file.height}};
    const auto entry = catalogue.find(file.path);
    if (entry && entry->hash) json["id"] = entry->hash->hex();
    files.push_back(std::move(json));
  }
  return {{"exact", group.exact}, {"score", group.score}, {"files", std::move(files)}};
}

/// Comparing all photos takes 5 bytes of memory for each number of their vectors (PhotoIndex::neighbours).
constexpr std::int64_t kMaxCompared = (std::int64_t{4} << 30) / 5;

Json find_duplicates(ServedLibrary& library, double min_score) {
  constexpr std::size_t kMostGroups = 1000;
  library::Library opened(library.reader().folder());
  std::vector<library::DuplicateGroup> groups = exact_duplicates(opened);
  const bool compares = opened.catalogue().counts().vectors <= kMaxCompared / library.reader().model().width;
  if (compares) {
    std::vector<library::DuplicateGroup> near = near_duplicates(opened, min_score);
    std::ranges::stable_sort(near, std::ranges::greater(), &library::DuplicateGroup::score);
    std::ranges::move(near, std::back_inserter(groups));
  }
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(groups.size(), kMostGroups); ++i)
    list.push_back(group_json(groups[i], opened.catalogue()));
  return {{"groups", std::move(list)}, {"total", groups.size()}, {"min_score", min_score}, {"near", compares}};
}

http::Response duplicates_response(const Exchange& exchange) {
  ServedLibrary& library = *exchange.context.library;
  const double min_score = real_of_query(exchange, "min_score", 0.98, 0, 1);
  return no_store(library.comparisons.get(fmt::format("duplicates {}", min_score), state_of_library(library),
                                          [&] { return text_of_json(find_duplicates(library, min_score)); }));
}

Json make_map(ServedLibrary& library) {
  library::Library opened(library.reader().folder());
  library::Database& database = opened.catalogue().database();
  const library::SpaceMap map = map_of(opened, allowed_rows(database, {}));
  Json points = Json::array();
  for (const library::MapPoint& point : map.points) {
    const library::Photo photo = library::photo_of_row(database, point.row);
    Json json = photo_summary(photo);
    json["x"] = point.x, json["y"] = point.y;
    points.push_back(std::move(json));
  }
  return {{"points", std::move(points)}, {"photos", map.photos}, {"variance", map.variance}};
}

http::Response map_response(const Exchange& exchange) {
  ServedLibrary& library = *exchange.context.library;
  return no_store(
      library.comparisons.get("map", state_of_library(library), [&] { return text_of_json(make_map(library)); }));
}

void answer_library(Exchange exchange) {
  Workers& workers = exchange.context.library->searching();
  answer_by(workers, std::move(exchange), info_response);
}
void answer_duplicates(Exchange exchange) {
  Workers& workers = exchange.context.library->comparing();
  answer_by(workers, std::move(exchange), duplicates_response);
}
void answer_map(Exchange exchange) {
  Workers& workers = exchange.context.library->comparing();
  answer_by(workers, std::move(exchange), map_response);
}

}  // namespace

std::vector<Route> overview_routes() {
  return {{.method = "GET",
           .path = "/library/info",
           .answer = answer_library,
           .error = openai_error,
           .personal = true,
           .summary = "What the library holds, its model, and what filters may name",
           .response_schema = "LibraryInfo"},
          {.method = "GET",
           .path = "/library/duplicates",
           .answer = answer_duplicates,
           .error = openai_error,
           .personal = true,
           .summary = "Groups of photos that show the same, the best file of each first",
           .response_schema = "LibraryDuplicates",
           .parameters = "min_score"},
          {.method = "GET",
           .path = "/library/map",
           .answer = answer_map,
           .error = openai_error,
           .personal = true,
           .summary = "The photos of the library in two dimensions",
           .response_schema = "LibraryMap"}};
}

}  // namespace e5v::serve
