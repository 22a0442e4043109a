#include "library/scan.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace e5v::library {
namespace fs = std::filesystem;

bool lies_in(const std::string& path, const std::string& folder) {
  const PathRange range(folder);
  return path == folder || (range.begin <= path && path < range.end);
}

PlacedFolder place_folder(const std::vector<Root>& roots, const fs::path& folder,
                          const std::optional<std::vector<std::string>>& exclude) {
  const std::string missing = why_missing(folder);
  require(missing.empty(), "[{}] {}", folder.string(), missing == kNoSuchFile ? "no such folder" : missing);
  PlacedFolder placed{fs::canonical(folder).string(), std::nullopt};
  require(fs::is_directory(placed.path), "[{}] expected a folder of photos, found a file", folder.string());
  const auto root = std::ranges::find_if(roots, [&](const Root& known) { return lies_in(placed.path, known.path); });
  if (root == roots.end()) {
    placed.root = Root{placed.path, exclude.value_or(std::vector<std::string>())};
  } else if (exclude) {
    placed.root = Root{root->path, *exclude};
  }
  return placed;
}

std::string add_folder(Library& library, const fs::path& folder,
                       const std::optional<std::vector<std::string>>& exclude) {
  const PlacedFolder placed = place_folder(library.catalogue().roots(), folder, exclude);
  if (placed.root) library.catalogue().set_root(*placed.root);
  return placed.path;
}

std::optional<WalkFilter> filter_for(Library& library, const std::string& path) {
  std::error_code ignored;
  for (Root& root : library.catalogue().roots())
    if (lies_in(path, root.path)) return WalkFilter(std::move(root), fs::canonical(library.folder(), ignored));
  return std::nullopt;
}

Scan scan_folders(Library& library, std::vector<std::string> folders, const std::function<void()>& check_stop) {
  if (folders.empty())
    for (const Root& root : library.catalogue().roots()) folders.push_back(root.path);
  Scan scan;
  for (const std::string& folder : folders) {
    const std::optional<WalkFilter> filter = filter_for(library, folder);
    require(filter.has_value(), "[{}] is no folder of the library {}", folder, library.folder().string());
    try {
      Walked walked = walk(folder, *filter, check_stop);
      scan.changes += record_changes(library.catalogue(), folder, walked);
      std::ranges::move(walked.folders, std::back_inserter(scan.folders));
      std::ranges::move(walked.problems, std::back_inserter(scan.problems));
    } catch (const InvalidInput& error) {
      if (fs::exists(folder)) throw;
      scan.problems.push_back(std::string(error.what()) + "; its photos stay in the library");
    }
  }
  return scan;
}

}  // namespace e5v::library
