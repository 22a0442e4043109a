#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "library/filter.h"
#include "library/library.h"

/// Finds photos by their vectors.
namespace e5v::library {

/// A photo with its files and metadata.
struct Photo {
  Hash128 hash;
  std::vector<std::string> paths;  ///< of the files that exist, sorted
  std::int64_t bytes = 0;          ///< of such a file
  Metadata metadata;
};

/// A photo of a row. Throws InvalidInput if there is none.
Photo photo_of_row(Database& database, std::int64_t row);

struct Found {
  std::int64_t row = 0;
  double score = 0;  ///< the cosine
  bool operator==(const Found&) const = default;
};

/// The vectors of a library in the form that is searched. Searching sees the photos that were indexed when it was made.
class PhotoIndex {
 public:
  explicit PhotoIndex(Library& library);

  std::int64_t rows() const { return rows_; }

  /// The `top` photos with the highest cosines that are at least `min_score`, the best first and equal ones by row.
  /// query f32 [width] of length 1; `allowed` are sorted rows. Exact: the order is that of double arithmetic over the
  /// stored vectors.
  std::vector<Found> search(std::span<const float> query, const std::vector<std::int64_t>& allowed, std::int64_t top,
                            double min_score) const;

  /// For each of the allowed rows, in their order, the allowed rows with a cosine of at least `min_score` and a higher
  /// index, up to `most` of the nearest ones.
  std::vector<std::vector<Found>> neighbours(const std::vector<std::int64_t>& allowed, std::int64_t most,
                                             double min_score) const;

 private:
  std::int64_t rows_ = 0, width_ = 0;
  std::vector<float> vectors_;  // [rows, width]
};

}  // namespace e5v::library
