#include "library/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "image/format.h"
#include "library/metadata.h"

namespace e5v::library {
namespace {

std::string joined_path(const std::string& folder, std::string_view name) {
  std::string path = folder;
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

FileStatus status_from(std::string path, const struct stat& status) {
  return {std::move(path), status.st_size, status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
}

/// A hash of the sidecar files of an image that `find` finds: it returns a pointer to the status of a path, or null.
template <class Find>
std::int64_t stamp_of_sidecars(const std::string& image, const Find& find) {
  Hasher hasher;
  bool any = false;
  for (const std::filesystem::path& path : sidecars_of(image)) {
    const FileStatus* status = find(path.string());
    hasher.add(status == nullptr ? "-" : fmt::format("{} {};", status->size, status->mtime_ns));
    any |= status != nullptr;
  }
  return any ? static_cast<std::int64_t>(hasher.digest().low | 1) : 0;
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

/// Adds the content of a folder without those of its folders, which are returned.
std::vector<std::string> walk_one(const std::string& folder, const WalkFilter& filter, Walked& walked) {
  std::vector<std::string> inner;
  std::map<std::string, FileStatus> sidecars;
  const std::size_t before = walked.files.size();
  const std::unique_ptr<DIR, CloseFolder> open(::opendir(folder.c_str()));
  if (open == nullptr) {
    walked.unreadable.push_back(folder);
    walked.problems.push_back(fmt::format("[{}] cannot be read: {}", folder, system_error_text()));
    return inner;
  }
  walked.folders.push_back(folder);
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || entry->d_type == DT_LNK) continue;
    std::string path = joined_path(folder, name);
    const bool is_sidecar = has_sidecar_suffix(name);
    if (!is_sidecar && filter.excludes(path)) continue;
    struct stat status {};
    if (::fstatat(::dirfd(open.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;  // it has gone
    if (S_ISDIR(status.st_mode)) {
      if (!is_sidecar || !filter.excludes(path)) inner.push_back(std::move(path));
    } else if (S_ISREG(status.st_mode) && is_sidecar) {
      sidecars[path] = status_from(path, status);
    } else if (S_ISREG(status.st_mode) && image::has_image_suffix(name)) {
      walked.files.push_back(status_from(std::move(path), status));
    }
  }
  const auto find = [&](const std::string& path) {
    const auto found = sidecars.find(path);
    return found == sidecars.end() ? nullptr : &found->second;
  };
  for (std::size_t i = before; !sidecars.empty() && i < walked.files.size(); ++i)
    walked.files[i].sidecars = stamp_of_sidecars(walked.files[i].path, find);
  return inner;
}

/// The status of a regular file, which is no link.
std::optional<FileStatus> status_of_file(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return status_from(path, status);
}

}  // namespace

WalkFilter::WalkFilter(Root root, std::filesystem::path library)
    : root_(std::move(root)), library_(std::move(library).string()) {}

bool WalkFilter::excludes(const std::string& path) const {
  static constexpr std::array<std::string_view, 2> kForeign{"@eaDir", "node_modules"};
  if (path.size() <= root_.path.size() || path == library_) return path == library_;
  const std::string name = path.substr(path.rfind('/') + 1),
                    relative = path.substr(root_.path.size() + (root_.path.ends_with('/') ? 0 : 1));
  if (name.starts_with('.') || std::ranges::find(kForeign, name) != kForeign.end()) return true;
  return std::ranges::any_of(root_.exclude, [&](const std::string& pattern) {
    const std::string& compared = pattern.find('/') == std::string::npos ? name : relative;
    return ::fnmatch(pattern.c_str(), compared.c_str(), FNM_PATHNAME) == 0;
  });
}

bool WalkFilter::excludes_with_folders(const std::string& path) const {
  for (std::size_t end = root_.path.size(); end < path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    if (excludes(path.substr(0, end))) return true;
  }
  return false;
}

Walked walk(const std::string& folder, const WalkFilter& filter, const std::function<void()>& check_stop) {
  Walked walked;
  std::vector<std::string> to_do{folder};
  while (!to_do.empty()) {
    if (check_stop) check_stop();
    const std::string next = std::move(to_do.back());
    to_do.pop_back();
    std::vector<std::string> inner = walk_one(next, filter, walked);
    require(!walked.folders.empty(), "{}", walked.problems.empty() ? "" : walked.problems.front());
    std::ranges::move(inner, std::back_inserter(to_do));
  }
  std::ranges::sort(walked.files, {}, &FileStatus::path);
  return walked;
}

std::optional<FileStatus> image_status(const std::string& path) {
  std::optional<FileStatus> status = image::has_image_suffix(path) ? status_of_file(path) : std::nullopt;
  std::optional<FileStatus> sidecar;
  const auto find = [&](const std::string& name) {
    sidecar = status_of_file(name);
    return sidecar ? &*sidecar : nullptr;
  };
  if (status) status->sidecars = stamp_of_sidecars(path, find);
  return status;
}

}  // namespace e5v::library
