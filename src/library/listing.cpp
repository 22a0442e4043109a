#include "library/listing.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace e5v::library {
namespace {

std::int64_t depth_of(std::string_view path) { return std::ranges::count(path, '/'); }

/// The number of files in each folder, at any depth, up to the roots.
std::vector<Count> folders_of(Database& database, std::size_t most) {
  std::vector<std::string> roots;
  Statement of_roots(database, "SELECT path FROM roots");
  while (of_roots.step()) roots.push_back(of_roots.column<std::string>(0));
  std::map<std::string, std::int64_t, std::less<>> counts;
  Statement files(database, "SELECT path FROM files WHERE state = 'done'");
  while (files.step()) {
    const auto path = files.column<std::string>(0);
    std::size_t root = 0;  // the length of the shortest folder that counts
    for (const std::string& one : roots)
      if (path.starts_with(one)) root = std::max(root, one.size());
    for (std::size_t end = path.rfind('/'); end != std::string::npos && end > 0 && end >= root;
         end = path.rfind('/', end - 1))
      ++counts[path.substr(0, end)];
  }
  std::vector<Count> folders;
  folders.reserve(counts.size());
  for (const auto& [path, number] : counts) folders.push_back({path, number});
  if (folders.size() <= most) return folders;
  std::ranges::stable_sort(folders, {}, [](const Count& folder) { return depth_of(folder.value); });
  folders.resize(most);
  std::ranges::sort(folders, {}, &Count::value);
  return folders;
}

}  // namespace

std::optional<std::int64_t> row_of(Database& database, const Hash128& hash) {
  Statement statement(database,
                      "SELECT row FROM photos WHERE hash = ?1 AND EXISTS (SELECT 1 FROM files WHERE files.hash = ?1 "
                      "AND state = 'done')");
  if (!statement.bind(hash.hex()).step()) return std::nullopt;
  return statement.column<std::int64_t>(0);
}

std::vector<std::int64_t> newest_rows(Database& database, const Filter& filter) {
  const std::vector<std::int64_t> allowed = allowed_rows(database, filter);
  std::vector<std::int64_t> rows;
  rows.reserve(allowed.size());
  Statement statement(database, "SELECT row FROM photos ORDER BY taken DESC NULLS LAST, row");
  while (statement.step())
    if (const auto row = statement.column<std::int64_t>(0); std::ranges::binary_search(allowed, row))
      rows.push_back(row);
  return rows;
}

FilterValues filter_values(Database& database, std::size_t most) {
  FilterValues values;
  const std::string existing = "EXISTS (SELECT 1 FROM files WHERE files.hash = photos.hash AND state = 'done')";
  Statement cameras(database, "SELECT camera, count(*) FROM photos WHERE camera IS NOT NULL AND " + existing +
                                  " GROUP BY camera ORDER BY 2 DESC, 1 LIMIT ?1");
  cameras.bind(most);
  while (cameras.step()) values.cameras.push_back({cameras.column<std::string>(0), cameras.column<std::int64_t>(1)});
  Statement dates(database, "SELECT min(taken), max(taken), max(rating IS NOT NULL) FROM photos WHERE " + existing);
  if (dates.step()) {
    values.first = dates.column<std::string>(0).substr(0, 10);
    values.last = dates.column<std::string>(1).substr(0, 10);
    values.ratings = dates.column<int>(2) != 0;
  }
  values.folders = folders_of(database, most);
  return values;
}

}  // namespace e5v::library
