#include "library/scan.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;

/// Whether a path is a folder or lies in it.
bool lies_in(const std::string& path, const std::string& folder) {
  const PathRange range(folder);
  return path == folder || (range.begin <= path && path < range.end);
}

}  // namespace

std::string add_folder(Library& library, const fs::path& folder,
                       const std::optional<std::vector<std::string>>& exclude) {
  const std::string missing = why_missing(folder);
  require(missing.empty(), "[{}] {}", folder.string(), missing == kNoSuchFile ? "no such folder" : missing);
  const std::string path = fs::canonical(folder).string();
  require(fs::is_directory(path), "[{}] expected a folder of photos, found a file", folder.string());
  std::vector<Root> roots = library.catalogue().roots();
  const auto root = std::ranges::find_if(roots, [&](const Root& known) { return lies_in(path, known.path); });
  if (root == roots.end()) {
    library.catalogue().set_root({path, exclude.value_or(std::vector<std::string>())});
  } else if (exclude) {
    library.catalogue().set_root({root->path, *exclude});
  }
  return path;
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
