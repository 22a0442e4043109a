#include "library/changes.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "library/metadata.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;

/// What is to be written. SQLite does not define what a query returns whose table is changed meanwhile.
struct PendingChanges {
  std::vector<FileStatus> waiting;
  std::vector<std::pair<std::int64_t, FileState>> states;
  std::vector<std::int64_t> forgotten;
  std::vector<std::pair<std::int64_t, std::int64_t>> sidecars;  // files and their stamps
  Changes numbers;

  void found(const FileEntry& known, const FileStatus& now) {
    const bool same = known.status.size == now.size && known.status.mtime_ns == now.mtime_ns;
    const bool described = same && known.status.sidecars != now.sidecars;
    if (described) sidecars.emplace_back(known.id, now.sidecars);
    if (described && known.state == FileState::done) {
      ++numbers.described;
    } else if (same && known.state != FileState::gone) {
      ++(known.state == FileState::waiting ? numbers.waiting : numbers.unchanged);
    } else if (same && known.hash) {
      ++numbers.returned;
      states.emplace_back(known.id, FileState::done);
    } else {
      ++(known.state == FileState::gone ? numbers.added : numbers.changed);
      waiting.push_back(now);
    }
  }
  void is_new(const FileStatus& now) {
    ++numbers.added;
    waiting.push_back(now);
  }
  void missing(const FileEntry& known) {
    if (known.state == FileState::gone) return;
    ++numbers.gone;
    if (known.hash) {
      states.emplace_back(known.id, FileState::gone);
    } else {
      forgotten.push_back(known.id);
    }
  }

  Changes write(Catalogue& catalogue) const {
    if (waiting.empty() && states.empty() && forgotten.empty() && sidecars.empty()) return numbers;
    Transaction transaction(catalogue.database());
    for (const FileStatus& status : waiting) catalogue.add_waiting(status);
    for (const auto& [file, state] : states) catalogue.set_state(file, state);
    for (const auto& [file, stamp] : sidecars) catalogue.set_sidecars(file, stamp);
    for (const std::int64_t file : forgotten) catalogue.forget(file);
    transaction.commit();
    return numbers;
  }
};

/// Both are sorted by the bytes of their paths, so one pass over both suffices.
PendingChanges compare(Catalogue& catalogue, const std::string& folder, const Walked& walked) {
  std::vector<PathRange> unknown;
  for (const std::string& path : walked.unreadable) unknown.emplace_back(path);
  const auto is_unknown = [&](const std::string& path) {
    return std::ranges::any_of(unknown,
                               [&](const PathRange& range) { return range.begin <= path && path < range.end; });
  };
  PendingChanges pending;
  auto file = walked.files.begin();
  catalogue.for_each_file(folder, [&](const FileEntry& known) {
    while (file != walked.files.end() && file->path < known.status.path) pending.is_new(*file++);
    if (file != walked.files.end() && file->path == known.status.path) {
      pending.found(known, *file++);
    } else if (!is_unknown(known.status.path)) {
      pending.missing(known);
    }
  });
  while (file != walked.files.end()) pending.is_new(*file++);
  return pending;
}

/// The files that a sidecar file belongs to: "DIR/a.xmp" to DIR/a.jpg, and "DIR/a.jpg.xmp", too.
std::vector<FileEntry> described_by(Catalogue& catalogue, const std::string& sidecar) {
  std::vector<FileEntry> files;
  for (FileEntry& file : catalogue.files_from(fs::path(sidecar).replace_extension().string())) {
    const auto sidecars = sidecars_of(file.status.path);
    if (std::ranges::find(sidecars, fs::path(sidecar)) != sidecars.end()) files.push_back(std::move(file));
  }
  return files;
}

bool is_folder(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

Changes& Changes::operator+=(const Changes& other) {
  unchanged += other.unchanged;
  waiting += other.waiting;
  added += other.added;
  changed += other.changed;
  described += other.described;
  returned += other.returned;
  gone += other.gone;
  return *this;
}

Changes record_changes(Catalogue& catalogue, const std::string& folder, const Walked& walked) {
  return compare(catalogue, folder, walked).write(catalogue);
}

Changes record_path(Catalogue& catalogue, const std::string& path, const WalkFilter& filter) {
  const bool excluded = filter.excludes_with_folders(path);
  if (!excluded && is_folder(path)) return record_changes(catalogue, path, walk(path, filter));
  PendingChanges pending = compare(catalogue, path, {});  // what the catalogue has below a path that is no folder
  const std::optional<FileEntry> known = catalogue.find(path);
  const std::optional<FileStatus> now = excluded ? std::nullopt : image_status(path);
  if (has_sidecar_suffix(path)) {
    for (const FileEntry& file : described_by(catalogue, path))
      if (const auto status = image_status(file.status.path)) pending.found(file, *status);
  }
  if (known && now) {
    pending.found(*known, *now);
  } else if (now) {
    pending.is_new(*now);
  } else if (known) {
    pending.missing(*known);
  }
  return pending.write(catalogue);
}

}  // namespace e5v::library
