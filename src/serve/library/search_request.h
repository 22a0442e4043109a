#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "library/filter.h"
#include "library/query.h"
#include "serve/embedding_call.h"
#include "serve/route.h"

namespace e5v::serve {

/// A search in a library, as a request has it.
struct SearchRequest {
  std::optional<RequestInput> query = std::nullopt;  ///< a text, an image, or both; none: `like` or no query
  std::string like = {};  ///< the id of a photo; with a text, that photo as the text changes it
  /// Texts that are added to the query or, with a negative weight, subtracted from it.
  std::vector<library::WeightedText> terms = {};
  library::Filter filter = {};
  double min_score = -1;
  std::int64_t offset = 0, top = 50;

  /// Whether photos are ranked; otherwise they are listed by date.
  bool has_query() const { return query || !like.empty() || !terms.empty(); }
};

/// Reads the body of a search. Throws a Refusal that names the wrong field.
SearchRequest search_request_of(const Json& body, const Exchange& exchange, const ServedModel& model);

}  // namespace e5v::serve
