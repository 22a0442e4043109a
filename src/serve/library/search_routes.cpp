#include "serve/library/search_routes.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "library/calibration.h"
#include "library/listing.h"
#include "serve/dialects/openai.h"
#include "serve/library/photo_json.h"
#include "serve/library/search_request.h"
#include "serve/library/served_library.h"

namespace e5v::serve {
namespace {

using View = library::LibraryReader::View;

/// A search on its way from the request to the answer.
struct Search {
  Exchange exchange;
  SearchRequest request;
  ServedLibrary& library;
};

/// The vectors of the request's texts and images, in the order of search_items().
using Vectors = std::vector<EmbeddedInput>;

/// The query and the further texts.
std::vector<Item> search_items(const SearchRequest& request, const PrepareOptions& prepare) {
  std::vector<Item> items;
  if (request.query) items.push_back({*request.query, {}, prepare});
  for (const library::WeightedText& term : request.terms)
    items.push_back({RequestInput::from_text(term.text), {}, prepare});
  return items;
}

library::PartKind kind_of(const RequestInput& query) {
  if (query.images.empty()) return library::PartKind::text;
  return query.text ? library::PartKind::composed : library::PartKind::photo;
}

/// The query as the library searches for it.
struct PhotoQuery {
  std::vector<float> vector = {};
  std::vector<library::QueryPart> parts = {};
  std::optional<std::int64_t> itself = std::nullopt;  ///< the row of `like`, which is no match
};

PhotoQuery photo_query(const SearchRequest& request, const Vectors& vectors, const View& view) {
  PhotoQuery query;
  std::vector<library::WeightedVector> sum;
  const auto add = [&](std::vector<float> vector, library::PartKind kind, double weight) {
    sum.push_back({std::move(vector), weight});
    query.parts.push_back({kind, weight});
  };
  if (!request.like.empty()) query.itself = row_of_id(request.like, "like", view);
  std::size_t next = 0;
  if (request.query) {
    add(vectors[next++].vector, kind_of(*request.query), 1);
  } else if (query.itself) {
    add(vector_of_row(*query.itself, view), library::PartKind::photo, 1);
  }
  for (const library::WeightedText& term : request.terms)
    add(vectors[next++].vector, library::PartKind::text, term.weight);
  try {
    query.vector = library::sum_of(sum);
  } catch (const InvalidInput& error) {
    throw Refusal(400, error.what(), "minus");
  }
  return query;
}

Json ranked(const SearchRequest& request, const Vectors& vectors, const View& view) {
  const PhotoQuery query = photo_query(request, vectors, view);
  library::AllowedRows allowed = allowed_mask(view.database, request.filter, view.index.rows());
  if (query.itself) allowed.remove(*query.itself, view.index.rows());
  const std::int64_t last = std::min(request.offset + request.top, allowed.count);
  std::vector<library::Found> found;
  if (last > request.offset) found = view.index.search(query.vector, allowed, last, request.min_score);
  const std::optional<library::ScoreScale> scale = scale_for(view.library, query.parts);
  Json photos = Json::array();
  for (const library::Found& one : std::span(found).subspan(std::min(found.size(), std::size_t(request.offset)))) {
    Json photo = photo_summary(photo_of_row(view.database, one.row));
    photo["score"] = one.score;
    if (scale) photo["percentile"] = scale->percentile(one.score);
    photos.push_back(std::move(photo));
  }
  return {{"photos", std::move(photos)}, {"searched", allowed.count}};
}

/// The name of a filter's listing: filters with equal names are equal.
std::string name_of_filter(const library::Filter& filter) {
  return Json{filter.from,
              filter.to,
              filter.camera,
              filter.folder,
              static_cast<int>(filter.shape),
              filter.min_rating ? Json(*filter.min_rating) : Json()}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json listed(const SearchRequest& request, ServedLibrary& library, const View& view) {
  const std::vector<std::int64_t>& rows = library.listings.get(
      name_of_filter(request.filter), view.state, [&] { return library::newest_rows(view.database, request.filter); });
  Json photos = Json::array();
  const auto begin = static_cast<std::size_t>(std::min(request.offset, std::ssize(rows)));
  const auto count = std::min(rows.size() - begin, static_cast<std::size_t>(request.top));
  for (const std::int64_t row : std::span(rows).subspan(begin, count))
    photos.push_back(photo_summary(photo_of_row(view.database, row)));
  return {{"photos", std::move(photos)}, {"searched", rows.size()}};
}

http::Response search_response(const Search& search, const Vectors& vectors) {
  const SearchRequest& request = search.request;
  Json answer = search.library.reader().read([&](const View& view) {
    return request.has_query() ? ranked(request, vectors, view) : listed(request, search.library, view);
  });
  answer["offset"] = request.offset;
  answer["model"] = search.library.model()->name;
  http::Response response = json_response(answer);
  response.fields.add("Cache-Control", "no-store");
  return response;
}

void rank_photos(const std::shared_ptr<Search>& search, Vectors vectors) {
  answer_by(search->library.searching(), search->exchange,
            [search, vectors = std::move(vectors)](const Exchange&) { return search_response(*search, vectors); });
}

/// Sends the error that ended a search.
void refuse_search(const Search& search, const std::exception_ptr& error) {
  answer_with(search.exchange, [&](const Exchange&) -> http::Response { std::rethrow_exception(error); });
}

void embed_query(const std::shared_ptr<Search>& search) {
  const PrepareOptions& prepare = search->library.reader().model().prepare;
  EmbeddingCall call{.model = search->library.model(),
                     .items = search_items(search->request, prepare),
                     .gone = search->exchange.request.gone,
                     .client = search->exchange.client,
                     .images = search->exchange.context.images};
  embed(std::move(call), [search](EmbeddedCall embedded, const std::exception_ptr& error) {
    const auto next = [search, error, shared = std::make_shared<EmbeddedCall>(std::move(embedded))] {
      try {
        if (error) std::rethrow_exception(error);
        rank_photos(search, std::move(shared->vectors));
      } catch (...) {
        refuse_search(*search, std::current_exception());
      }
    };
    search->exchange.responder->defer(next);  // so that the compute thread can continue
  });
}

/// Gives the query the file of the photo that the text is to change.
void read_liked_photo(Search& search) {
  const auto photo = search.library.reader().read([&](const View& view) {
    return library::photo_of_row(view.database, row_of_id(search.request.like, "like", view));
  });
  try {
    search.request.query->images.push_back(
        {.file = std::make_shared<const std::string>(library::read_photo(photo)), .field = "like"});
  } catch (const InvalidInput& error) {
    throw Refusal(404, error.what(), "like");
  }
}

void answer_search(Exchange exchange) {
  ServedLibrary& library = *exchange.context.library;
  SearchRequest request = search_request_of(body_of(exchange), exchange, *library.model());
  const auto search = std::make_shared<Search>(Search{std::move(exchange), std::move(request), library});
  std::string().swap(search->exchange.request.body);  // frees its memory
  if (search->request.like.empty() || !search->request.query) return embed_query(search);
  library.decoding().post([search] {
    try {
      read_liked_photo(*search);
      embed_query(search);
    } catch (...) {
      refuse_search(*search, std::current_exception());
    }
  });
}

}  // namespace

std::vector<Route> search_routes() {
  return {{.method = "POST",
           .path = "/library/search",
           .answer = answer_search,
           .error = openai_error,
           .personal = true,
           .summary = "Finds photos of the library by words, by an image, by both, or by another photo; without a "
                      "query, lists them by date",
           .request_schema = "LibrarySearch",
           .response_schema = "LibraryPhotos"}};
}

}  // namespace e5v::serve
