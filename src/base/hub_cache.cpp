#include "base/hub_cache.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace e5v {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> folders_in(const fs::path& path) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// The commit that refs/main names; nothing without it.
std::string main_commit(const fs::path& path) {
  constexpr std::uint64_t kMaxBytes = 4096;
  const fs::path ref = path / "refs" / "main";
  std::error_code error;
  if (!fs::is_regular_file(ref, error)) return "";
  std::string commit = read_file(ref, kMaxBytes);
  while (!commit.empty() && (commit.back() == '\n' || commit.back() == '\r' || commit.back() == ' ')) commit.pop_back();
  return commit;
}

}  // namespace

fs::path hub_snapshot(const fs::path& path) try {
  const fs::path snapshots = path / "snapshots";
  std::error_code error;
  const bool cached = fs::is_directory(snapshots, error) && !fs::exists(path / "config.json", error) &&
                      !fs::exists(path / "adapter_config.json", error);
  if (!cached) return path;
  const std::vector<std::string> names = folders_in(snapshots);
  require(!names.empty(), "[{}] is a folder of the hub's cache without a snapshot: download the model again",
          path.string());
  const std::string commit = main_commit(path);
  if (std::find(names.begin(), names.end(), commit) != names.end()) return snapshots / commit;
  require(names.size() == 1,
          "[{}] is a folder of the hub's cache with {} snapshots, none of which is that of refs/main: give one of {}",
          path.string(), names.size(), fmt::join(names, ", "));
  return snapshots / names.front();
} catch (const fs::filesystem_error& error) {
  fail<InvalidInput>("[{}] cannot be read: {}", error.path1().string(), error.code().message());
}

}  // namespace e5v
