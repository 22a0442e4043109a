#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "library/changes.h"
#include "library/library.h"

/// Brings the catalogue up to date with the file system.
namespace e5v::library {

/// Whether a path is a folder or lies in it.
bool lies_in(const std::string& path, const std::string& folder);

/// Where a folder lies among the roots.
struct PlacedFolder {
  std::string path;          ///< without links
  std::optional<Root> root;  ///< to be set: a new root, or one with new patterns
};

/// Places a folder: it becomes a root, unless it lies in one already. Patterns, if given, replace those of its root.
/// Throws InvalidInput if there is no such folder.
PlacedFolder place_folder(const std::vector<Root>& roots, const std::filesystem::path& folder,
                          const std::optional<std::vector<std::string>>& exclude = std::nullopt);

/// Makes a folder a root of the library, unless it lies in one already, and returns its path without links. Patterns,
/// if given, replace those of its root. Throws InvalidInput if there is no such folder.
std::string add_folder(Library& library, const std::filesystem::path& folder,
                       const std::optional<std::vector<std::string>>& exclude = std::nullopt);

/// The filter of the root that a path lies in, or that it is; nothing if it is in none.
std::optional<WalkFilter> filter_for(Library& library, const std::string& path);

/// The result of walking folders.
struct Scan {
  Changes changes;
  std::vector<std::string> folders;   ///< all folders that were walked
  std::vector<std::string> problems;  ///< messages about folders that could not be read
};

/// Walks folders, each of which is a root or lies in one, and records what has changed. No folders means all roots. A
/// root that is missing is a problem, and its files stay as they are: a disk may not be mounted.
Scan scan_folders(Library& library, std::vector<std::string> folders = {},
                  const std::function<void()>& check_stop = nullptr);

}  // namespace e5v::library
