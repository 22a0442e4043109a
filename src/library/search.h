#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "library/filter.h"
#include "library/library.h"
#include "library/rounded_rows.h"

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
/// The files are mapped, so the system keeps in memory what it has room for; a library whose rounded form is missing
/// takes memory for that (RoundedRows). A search takes 5 bytes for each photo.
class PhotoIndex {
 public:
  explicit PhotoIndex(Library& library);

  std::int64_t rows() const { return vectors_ ? vectors_->rows() : 0; }

  /// The `top` photos with the highest cosines that are at least `min_score`, the best first and equal ones by row.
  /// query f32 [width] of length 1. Exact: the order is that of double arithmetic over the stored vectors.
  std::vector<Found> search(std::span<const float> query, const AllowedRows& allowed, std::int64_t top,
                            double min_score) const;
  /// The same among some sorted rows. Those that were indexed later are passed over.
  std::vector<Found> search(std::span<const float> query, const std::vector<std::int64_t>& allowed, std::int64_t top,
                            double min_score) const;

  /// For each of the allowed rows, in their order, the allowed rows with a cosine of at least `min_score` and a higher
  /// index, up to `most` of the nearest ones. Takes 5 bytes of memory for each number of the vectors.
  std::vector<std::vector<Found>> neighbours(const std::vector<std::int64_t>& allowed, std::int64_t most,
                                             double min_score) const;

 private:
  std::optional<VectorRows> vectors_;  // none: there is no model
  std::optional<RoundedRows> rounded_;
};

}  // namespace e5v::library
