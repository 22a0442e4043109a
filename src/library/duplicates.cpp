#include "library/duplicates.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace e5v::library {
namespace {

constexpr std::int64_t kNearest = 32;

/// Sets that grow together (union-find).
class Sets {
 public:
  explicit Sets(std::size_t count) : parents_(count), scores_(count, 1.0) {
    std::iota(parents_.begin(), parents_.end(), std::size_t{0});
  }
  std::size_t find(std::size_t i) {
    while (parents_[i] != i) i = parents_[i] = parents_[parents_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b, double score) {
    a = find(a), b = find(b);
    if (a == b) return;
    const std::size_t first = std::min(a, b), second = std::max(a, b);
    parents_[second] = first;
    scores_[first] = std::min({scores_[first], scores_[second], score});
  }
  double score(std::size_t i) { return scores_[find(i)]; }

 private:
  std::vector<std::size_t> parents_;
  std::vector<double> scores_;  // of roots
};

void add_files(const Photo& photo, DuplicateGroup& group) {
  for (const std::string& path : photo.paths)
    group.files.push_back({path, photo.bytes, photo.metadata.width, photo.metadata.height});
}

void sort_files(DuplicateGroup& group) {
  std::ranges::sort(group.files, [](const DuplicateFile& a, const DuplicateFile& b) {
    return std::tuple(-a.width * a.height, -a.bytes, a.path) < std::tuple(-b.width * b.height, -b.bytes, b.path);
  });
}

}  // namespace

std::vector<DuplicateGroup> exact_duplicates(Library& library, const Filter& filter) {
  Database& database = library.catalogue().database();
  std::vector<DuplicateGroup> groups;
  for (const std::int64_t row : allowed_rows(database, filter)) {
    const Photo photo = photo_of_row(database, row);
    if (photo.paths.size() < 2) continue;
    DuplicateGroup& group = groups.emplace_back();
    group.exact = true;
    add_files(photo, group);
    sort_files(group);
  }
  return groups;
}

std::vector<DuplicateGroup> near_duplicates(Library& library, double min_score, const Filter& filter) {
  Database& database = library.catalogue().database();
  const std::vector<std::int64_t> rows = allowed_rows(database, filter);
  const auto neighbours = PhotoIndex(library).neighbours(rows, kNearest, min_score);
  Sets sets(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (const Found& found : neighbours[i])
      sets.join(i, static_cast<std::size_t>(std::ranges::lower_bound(rows, found.row) - rows.begin()), found.score);
  std::map<std::size_t, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < rows.size(); ++i) members[sets.find(i)].push_back(i);
  std::vector<DuplicateGroup> groups;
  for (const auto& [first, indices] : members) {
    if (indices.size() < 2) continue;
    DuplicateGroup& group = groups.emplace_back();
    group.score = sets.score(first);
    for (const std::size_t i : indices) add_files(photo_of_row(database, rows[i]), group);
    sort_files(group);
  }
  return groups;
}

}  // namespace e5v::library
