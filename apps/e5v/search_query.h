#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "library/calibration.h"
#include "library/query.h"
#include "options.h"
#include "stores/photo_store.h"

/// What e5v search is asked for.
namespace e5v::app {

/// The parts of a query, as they are given.
struct SearchQuery {
  std::vector<std::string> words;  ///< the text
  std::filesystem::path image;
  std::string like;                               ///< a photo of the library: the path of a file, or its hash
  std::vector<library::WeightedText> plus_minus;  ///< weights are negative for --minus

  /// "sofa.jpg, red, + at night, - people", for titles.
  std::string title() const;
};

/// A query as the library searches for it.
struct QueryVector {
  std::vector<float> vector;              ///< [width], of length 1
  std::vector<library::QueryPart> parts;  ///< what it was made of
  std::optional<Hash128> itself;          ///< the photo of --like, which is no match
  std::filesystem::path image;            ///< the image of the query; empty if it has none
};

/// The vector of a query: of the text, of the image, or of both together; then --plus and --minus are added. A photo of
/// the store alone needs no model. Throws InvalidInput if vectors of the model cannot be compared with the store's.
QueryVector embed_query(stores::PhotoStore& store, const SearchQuery& query, const ModelOptions& model);

}  // namespace e5v::app
