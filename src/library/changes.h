#pragma once
#include <cstdint>
#include <string>

#include "library/catalogue.h"
#include "library/walk.h"

/// Compares the files of a folder with the catalogue. Unchanged files are not read.
namespace e5v::library {

/// Numbers of files by what has happened to them since the last comparison.
struct Changes {
  std::int64_t unchanged = 0;
  std::int64_t waiting = 0;    ///< unchanged, too, but still waiting since an earlier run
  std::int64_t added = 0;      ///< new paths, which may be moved files
  std::int64_t changed = 0;    ///< another size or time
  std::int64_t described = 0;  ///< unchanged, but with other sidecar files, so its metadata are to be read again
  std::int64_t returned = 0;   ///< had been deleted, and are back with the same size and time
  std::int64_t gone = 0;       ///< deleted, moved away, or excluded now

  Changes& operator+=(const Changes& other);
  bool operator==(const Changes&) const = default;
};

/// Records in the catalogue what has changed in a folder since it was last walked, in one transaction. New and changed
/// files wait then, and files with other sidecar files are marked. A deleted file without a known content is forgotten;
/// the others are marked. Files in folders that could not be read stay as they are.
Changes record_changes(Catalogue& catalogue, const std::string& folder, const Walked& walked);

/// The same for one path, which was created, changed or deleted: of an image, of a sidecar file, or of a folder, which
/// is walked. `filter` is that of the root that
/// the path lies in.
Changes record_path(Catalogue& catalogue, const std::string& path, const WalkFilter& filter);

}  // namespace e5v::library
