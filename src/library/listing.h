#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "library/database.h"
#include "library/filter.h"

/// What a library holds, without its vectors.
namespace e5v::library {

/// The row of the photo with this hash; nothing if the library does not know it, or no file of it exists.
std::optional<std::int64_t> row_of(Database& database, const Hash128& hash);

/// The rows of the photos that may be found, the newest photo first; those without a date come last, by row.
std::vector<std::int64_t> newest_rows(Database& database, const Filter& filter);

/// A value of photos, and the number of photos that have it.
struct Count {
  std::string value;
  std::int64_t photos = 0;
  bool operator==(const Count&) const = default;
};

/// The values that a filter may name.
struct FilterValues {
  std::vector<Count> cameras;  ///< the most frequent one first
  std::vector<Count> folders;  ///< those that hold photos, sorted by path; the photos in a folder, at any depth
  std::string first, last;     ///< the first and the last date; empty: no photo has one
  bool ratings = false;        ///< whether a photo has a rating
};

/// The values of all photos of which a file exists. No list has more than `most` elements: then the folders are those
/// nearest to the root, and the cameras the most frequent ones. Reads the whole catalogue.
FilterValues filter_values(Database& database, std::size_t most = 200);

}  // namespace e5v::library
