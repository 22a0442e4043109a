#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "library/photo.h"

/// Walks folders of photos.
namespace e5v::library {

/// Decides what is left out of a root: hidden files and folders (their names begin with a dot), folders that programs
/// fill with files of their own (@eaDir, node_modules), the library itself, and what the root's patterns name. A
/// pattern without a slash is compared with names, one with a slash with paths relative to the root; *, ? and [...]
/// have their usual meaning (fnmatch), and * matches no slash.
class WalkFilter {
 public:
  WalkFilter(Root root, std::filesystem::path library);

  /// Whether a file or folder in the root is left out, for itself and not for a folder that it lies in.
  bool excludes(const std::string& path) const;
  /// Whether it is left out for itself or for a folder that it lies in.
  bool excludes_with_folders(const std::string& path) const;

  const Root& root() const { return root_; }

 private:
  Root root_;
  std::string library_;
};

/// What is in a folder.
struct Walked {
  std::vector<FileStatus> files;        ///< images, by their suffixes, at any depth; sorted by the bytes of their paths
  std::vector<std::string> folders;     ///< the folder itself and those in it
  std::vector<std::string> unreadable;  ///< folders that cannot be read: nothing is known about their files
  std::vector<std::string> problems;    ///< a message for each of these
};

/// Walks a folder that is the filter's root or lies in it. Links in it are not followed. `check_stop` is called for
/// each folder and may throw. Throws InvalidInput if the folder itself cannot be read.
Walked walk(const std::string& folder, const WalkFilter& filter, const std::function<void()>& check_stop = nullptr);

/// The status of an image file with that of its sidecar files; nothing if there is no regular file at the path, or if
/// its suffix is none of an image.
std::optional<FileStatus> image_status(const std::string& path);

}  // namespace e5v::library
