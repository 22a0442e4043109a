#include "library/search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/standard_output.h"
#include "commands.h"
#include "library_options.h"
#include "terminal.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;

enum class SearchFormat { table, json, paths };

struct SearchOptions {
  std::vector<std::string> words;
  fs::path image, library, folder;
  ModelOptions model;
  library::Filter filter;
  int min_rating = -1;  // none
  std::int64_t top = 10;
  double min_score = -1;  // none
  SearchFormat format = SearchFormat::table;
};

/// A photo that was found.
struct Match {
  double score;
  library::Photo photo;
};

Input query_of(const SearchOptions& options) {
  const std::string text = fmt::format("{}", fmt::join(options.words, " "));
  if (options.image.empty()) return Input::from_text(text);
  return options.words.empty() ? Input::from_image(options.image) : Input::composed(options.image, text);
}

/// The fault of a date on the command line; empty when it has none.
std::string problem_of_date(const std::string& given) {
  return library::is_date(given) ? ""
                                 : fmt::format("expected a date such as 2019, 2019-07 or 2019-07-14, found {}", given);
}

library::Filter filter_of(const SearchOptions& options) {
  library::Filter filter = options.filter;
  if (!options.folder.empty()) filter.folder = fs::weakly_canonical(options.folder).string();
  if (filter.folder.size() > 1 && filter.folder.ends_with('/')) filter.folder.pop_back();
  if (options.min_rating >= 0) filter.min_rating = options.min_rating;
  library::check_filter(filter);
  return filter;
}

Json json_of(const Match& match) {
  const library::Metadata& metadata = match.photo.metadata;
  Json json{{"score", match.score},
            {"paths", match.photo.paths},
            {"hash", match.photo.hash.hex()},
            {"width", metadata.width},
            {"height", metadata.height}};
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  add("taken", metadata.taken), add("camera", metadata.camera), add("lens", metadata.lens);
  add("caption", metadata.caption);
  if (metadata.latitude && metadata.longitude) json["place"] = {*metadata.latitude, *metadata.longitude};
  if (metadata.rating) json["rating"] = *metadata.rating;
  if (!metadata.keywords.empty()) json["keywords"] = metadata.keywords;
  return json;
}

std::string table_of(const std::vector<Match>& matches) {
  std::string text;
  const int number = static_cast<int>(std::to_string(matches.size()).size());
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const library::Photo& photo = matches[i].photo;
    const std::string taken = photo.metadata.taken.substr(0, 10);
    text += fmt::format("{:>{}}  {:7.4f}  {:<10}  {}", i + 1, number, matches[i].score, taken.empty() ? "-" : taken,
                        one_line(photo.paths.front()));
    if (photo.paths.size() > 1) text += fmt::format(" (and {} more)", photo.paths.size() - 1);
    text += '\n';
  }
  return text;
}

std::string output_of(const std::vector<Match>& matches, SearchFormat format) {
  if (format == SearchFormat::table) return table_of(matches);
  std::string text;
  for (const Match& match : matches) {
    text += format == SearchFormat::paths ? match.photo.paths.front()
                                          : json_of(match).dump(-1, ' ', false, Json::error_handler_t::replace);
    text += '\n';
  }
  return text;
}

int run_search(const SearchOptions& options) {
  library::Library library(library_folder(options.library));
  const library::Filter filter = filter_of(options);
  const ModelOptions model = model_for(library, options.model);
  require(library.model().has_value(), "[{}] the library has no vectors yet: expected e5v index to have run",
          library.folder().string());
  library::ModelRecord record;
  Embedder embedder = load_library_model(model, record);
  require_same_space(*library.model(), record, library.folder());
  const EmbeddedInput query = embedder.submit(query_of(options), {}, model.run, model.prepare).get();
  const library::PhotoIndex index(library);
  const library::AllowedRows allowed = allowed_mask(library.catalogue().database(), filter, index.rows());
  std::vector<Match> matches;
  for (const library::Found& found : index.search(query.vector, allowed, options.top, options.min_score))
    matches.push_back({found.score, photo_of_row(library.catalogue().database(), found.row)});
  write_stream(stdout, output_of(matches, options.format));
  if (matches.empty())
    tell("e5v: no photo was found among {} that {}\n", allowed.count,
         filter.is_empty() ? "the library holds" : "match the filters");
  return kSuccess;
}

constexpr const char* kSearchDescription =
    "find photos in a library by words, by an image, or by both\n"
    "\n"
    "The query is a TEXT, an --image, or both: then the text says how the photos are to differ from the image. The "
    "score of a photo is the cosine of its vector and the query's. All vectors are compared, so no match is missed.";

constexpr const char* kSearchFooter =
    "Filters: a photo is found only if it passes all filters that are given. Dates are those that cameras wrote, in "
    "local time; photos without a date are not found when dates are asked for.\n"
    "\n"
    "Output: a table with score, date and path. --format json prints a JSON object per line with the metadata, and "
    "--format paths prints one path per line, for other programs.\n"
    "\n"
    "Examples:\n"
    "  e5v search 'a dog on a beach'\n"
    "  e5v search --image sofa.jpg 'the same in red' --top 5\n"
    "  e5v search 'fireworks' --from 2019-12 --to 2020-01 --min-rating 3\n"
    "  e5v search 'a cat' --format paths | head -1 | xargs -d '\\n' xdg-open";

}  // namespace

Run add_search(CLI::App& app) {
  const auto options = std::make_shared<SearchOptions>();
  CLI::App* command = app.add_subcommand("search", kSearchDescription)->footer(kSearchFooter);
  command->add_option("words", options->words)->option_text("[TEXT]")->group("");
  const std::vector<std::pair<std::string, library::Shape>> shapes{{"landscape", library::Shape::landscape},
                                                                   {"portrait", library::Shape::portrait},
                                                                   {"square", library::Shape::square}};
  add_table(*command,
            {
                {"--image", path(options->image, "FILE"), "an image to search with"},
                {"--top", whole(options->top, 1), "the maximum number of photos"},
                {"--min-score", real(options->min_score, 0, 1), "the minimum cosine of a photo",
                 "photos with any cosine are found"},
                {"--from", text(options->filter.from, "DATE").checked(problem_of_date),
                 "the first date of photos: 2019, 2019-07 or 2019-07-14"},
                {"--to", text(options->filter.to, "DATE").checked(problem_of_date),
                 "the last date of photos, which is included"},
                {"--camera", text(options->filter.camera, "NAME"),
                 "a part of the name of the camera, in upper or lower case"},
                {"--folder", path(options->folder, "DIR"), "the folder of photos"},
                {"--orientation", choice(options->filter.shape, shapes, "SHAPE"),
                 "the shape of photos: landscape, portrait or square", "any"},
                {"--min-rating", whole(options->min_rating, 0, 5),
                 "the minimum rating of photos; photos without a rating are not found then",
                 "photos with any rating or none are found"},
                {"--format",
                 choice<SearchFormat>(
                     options->format,
                     {{"table", SearchFormat::table}, {"json", SearchFormat::json}, {"paths", SearchFormat::paths}},
                     "FORMAT"),
                 "the output: table, json or paths"},
            });
  add_library_option(*command, options->library);
  add_model_options(*command, options->model, false);
  add_adapter_option(*command, options->model.load);
  add_prepare_options(*command, options->model.prepare);
  command->callback([options] {
    if (options->words.empty() && options->image.empty()) throw CLI::RequiredError("a TEXT or --image");
  });
  return [options] { return run_search(*options); };
}

}  // namespace e5v::app
