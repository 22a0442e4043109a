#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

/// What a library knows about photos and their files.
namespace e5v::library {

/// What an image file says about itself. Empty texts and 0 mean that it does not say it.
struct Metadata {
  std::int64_t width = 0, height = 0;         ///< in pixels, upright
  std::string taken;                          ///< local time: "2019-07-14T12:33:10"
  std::string camera, lens;                   ///< "Canon EOS 5D", "EF50mm f/1.8"
  std::optional<double> latitude, longitude;  ///< in degrees, north and east are positive
  int orientation = 1;                        ///< 1 to 8, as in EXIF; 1 is upright
  std::optional<int> rating;                  ///< -1 (rejected) to 5
  std::vector<std::string> keywords;
  std::string caption;

  bool operator==(const Metadata&) const = default;
};

/// How far the library has got with a file.
enum class FileState {
  waiting,  ///< new or changed; its vector is not known
  done,     ///< its photo has a vector
  failed,   ///< it cannot be read; `reason` says why
  gone,     ///< it was deleted; kept until it is purged
};

/// "waiting", "done", "failed" or "gone".
std::string_view name_of(FileState state);
/// The state of a name that name_of() returned. Throws InvalidInput for any other text.
FileState state_of(std::string_view name);

/// A file as the file system describes it. An unchanged file has equal size and time, and an equal stamp of its
/// sidecar files.
struct FileStatus {
  std::string path;           ///< absolute
  std::int64_t size = 0;      ///< in bytes
  std::int64_t mtime_ns = 0;  ///< time of the last modification, in nanoseconds since 1970
  std::int64_t sidecars = 0;  ///< a hash of the sizes and times of its sidecar files; 0 if it has none
  bool operator==(const FileStatus&) const = default;
};

/// A file of the library.
struct FileEntry {
  std::int64_t id = 0;
  FileStatus status;
  std::optional<Hash128> hash;  ///< of the content; empty while it is not known
  FileState state = FileState::waiting;
  std::string reason;  ///< of a failure
};

/// A folder whose photos the library holds.
struct Root {
  std::string path;                  ///< absolute, without links
  std::vector<std::string> exclude;  ///< patterns of names and relative paths that are left out
  bool operator==(const Root&) const = default;
};

/// Numbers of files by state, and of vectors.
struct Counts {
  std::int64_t waiting = 0, done = 0, failed = 0, gone = 0, vectors = 0;
  bool operator==(const Counts&) const = default;
};

}  // namespace e5v::library
