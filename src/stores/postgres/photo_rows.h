#pragma once
#include <string>
#include <vector>

#include "stores/photo_store.h"
#include "stores/postgres/connection.h"
#include "stores/postgres/copy_rows.h"

/// Photos as rows of e5v.photos.
namespace e5v::stores::postgres {

/// The columns of the metadata, for SELECT and COPY, in the order of the functions below.
inline constexpr const char* kMetadataColumns =
    "width, height, taken, camera, lens, latitude, longitude, orientation, rating, keywords, caption";
inline constexpr int kMetadataCount = 11;

/// The metadata in the columns from `column` on.
library::Metadata metadata_at(const Result& result, std::int64_t row, int column);

/// Photos that are to be written together.
class PhotoRows {
 public:
  /// Without a vector, only the metadata of a known photo are replaced.
  void add(const Hash128& hash, const library::Metadata& metadata, std::span<const tensor::Half> vector = {});
  /// Writes all of them in a transaction of the caller: new photos are added, and the metadata of known ones are
  /// replaced. Returns the hashes of the new ones.
  std::vector<std::string> write(Connection& connection);

 private:
  CopyRows copy_;
};

}  // namespace e5v::stores::postgres
