#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "library/filter.h"
#include "serve/embedding_call.h"
#include "serve/route.h"

namespace e5v::serve {

/// A search in a library, as a request has it.
struct SearchRequest {
  std::optional<RequestInput> query = std::nullopt;  ///< a text, an image, or both; none: `like` or no query
  std::string like = {};  ///< the id of a photo; with a text, that photo as the text changes it
  std::vector<std::string> plus = {}, minus = {};  ///< texts that are added to the query, or taken away
  library::Filter filter = {};
  double min_score = -1;
  std::int64_t offset = 0, top = 50;

  /// Whether photos are ranked; otherwise they are listed by date.
  bool has_query() const { return query || !like.empty() || !plus.empty(); }
};

/// Reads the body of a search. Throws a Refusal that names the wrong field.
SearchRequest search_request_of(const Json& body, const Exchange& exchange, const ServedModel& model);

/// A weighted sum of vectors, scaled to length 1. All vectors have the same width. Throws a Refusal if the sum is 0.
class QueryVector {
 public:
  void add(std::span<const float> vector, double weight);
  std::vector<float> scaled() const;

 private:
  std::vector<double> sum_;
};

/// The weights of a text that is added to a query of weight 1, and of one that is taken away.
inline constexpr double kPlusWeight = 1, kMinusWeight = -0.5;

}  // namespace e5v::serve
