#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "library/search.h"

/// Finds files that show the same. Nothing is ever deleted.
namespace e5v::library {

/// A file of a group.
struct DuplicateFile {
  std::string path;
  std::int64_t bytes = 0, width = 0, height = 0;
  bool operator==(const DuplicateFile&) const = default;
};

/// Files that show the same.
struct DuplicateGroup {
  /// The best file first: the one with the most pixels, then with the most bytes, then the first path.
  std::vector<DuplicateFile> files;
  bool exact = false;  ///< all files have the same bytes
  double score = 1;    ///< the lowest cosine by which a photo is in the group
};

/// Groups of files with the same bytes.
std::vector<DuplicateGroup> exact_duplicates(Library& library, const Filter& filter = {});

/// Groups of photos whose vectors have a cosine of at least `min_score`, directly or by photos between them. A group of
/// files that are all equal is left out. Of each photo, only the 32 nearest ones are looked at. Groups and files do not
/// depend on the number of threads.
std::vector<DuplicateGroup> near_duplicates(Library& library, double min_score, const Filter& filter = {});

}  // namespace e5v::library
