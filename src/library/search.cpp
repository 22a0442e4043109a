#include "library/search.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "vectors/top_k.h"
#include "vectors/vector_index.h"

namespace e5v::library {
namespace {

tensor::ConstMatrix rows_as_matrix(std::span<const float> values, std::int64_t rows, std::int64_t width) {
  return {std::as_bytes(values).data(), tensor::DType::f32, rows, width, width};
}

std::vector<std::string> lines_in(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

Metadata metadata_from(const Statement& row) {
  Metadata metadata;
  metadata.width = row.column<std::int64_t>(1);
  metadata.height = row.column<std::int64_t>(2);
  metadata.taken = row.column<std::string>(3);
  metadata.camera = row.column<std::string>(4);
  metadata.lens = row.column<std::string>(5);
  metadata.latitude = row.column<std::optional<double>>(6);
  metadata.longitude = row.column<std::optional<double>>(7);
  metadata.orientation = row.column<int>(8);
  metadata.rating = row.column<std::optional<int>>(9);
  metadata.keywords = lines_in(row.column<std::string>(10));
  metadata.caption = row.column<std::string>(11);
  return metadata;
}

}  // namespace

Photo photo_of_row(Database& database, std::int64_t row) {
  Statement statement(database,
                      "SELECT hash, width, height, taken, camera, lens, latitude, longitude, orientation, rating, "
                      "keywords, caption FROM photos WHERE row = ?1");
  require(statement.bind(row).step(), "[{}] no photo has the row {}", database.path().string(), row);
  Photo photo;
  const auto hash = statement.column<std::string>(0);
  photo.hash = Hash128::from_hex(hash).value_or(Hash128());
  photo.metadata = metadata_from(statement);
  Statement files(database, "SELECT path, size FROM files WHERE hash = ?1 AND state = 'done' ORDER BY path");
  files.bind(hash);
  while (files.step()) {
    photo.paths.push_back(files.column<std::string>(0));
    photo.bytes = files.column<std::int64_t>(1);
  }
  return photo;
}

PhotoIndex::PhotoIndex(Library& library) {
  const std::optional<VectorRows> rows = library.vectors();
  if (!rows) return;
  rows_ = rows->rows();
  width_ = rows->width();
  vectors_.resize(static_cast<std::size_t>(rows_ * width_));
  parallel_for(rows_, 256, [&](std::int64_t row) {
    std::ranges::transform(rows->row(row), vectors_.begin() + row * width_,
                           [](tensor::Half value) { return static_cast<float>(value); });
  });
}

std::vector<Found> PhotoIndex::search(std::span<const float> query, const std::vector<std::int64_t>& allowed,
                                      std::int64_t top, double min_score) const {
  if (rows_ == 0 || allowed.empty()) return {};
  require(static_cast<std::int64_t>(query.size()) == width_, "[search] the query has {} dimensions, the library {}",
          query.size(), width_);
  const vectors::VectorScores scores(rows_as_matrix(query, 1, width_), rows_as_matrix(vectors_, rows_, width_));
  const auto is_allowed = [&](std::int64_t row) { return std::ranges::binary_search(allowed, row); };
  const auto nearest = vectors::top_k(scores, top, {}, is_allowed);
  std::vector<Found> found;
  for (const vectors::Neighbour& neighbour : nearest.front())
    if (neighbour.score >= min_score) found.push_back({neighbour.candidate, neighbour.score});
  return found;
}

std::vector<std::vector<Found>> PhotoIndex::neighbours(const std::vector<std::int64_t>& allowed, std::int64_t most,
                                                       double min_score) const {
  const auto count = static_cast<std::int64_t>(allowed.size());
  std::vector<std::vector<Found>> result(allowed.size());
  if (count < 2) return result;
  require(allowed.back() < rows_, "[search] expected rows below {}, found {}", rows_, allowed.back());
  std::vector<float> chosen;  // [count, width]
  for (const std::int64_t row : allowed)
    chosen.insert(chosen.end(), vectors_.begin() + row * width_, vectors_.begin() + (row + 1) * width_);
  const vectors::VectorIndex index(rows_as_matrix(chosen, count, width_));
  const vectors::VectorScores scores(rows_as_matrix(chosen, count, width_), index);
  const auto nearest = vectors::top_k(scores, std::min(most + 1, count));
  for (std::size_t i = 0; i < allowed.size(); ++i)
    for (const vectors::Neighbour& neighbour : nearest[i])
      if (neighbour.candidate > static_cast<std::int64_t>(i) && neighbour.score >= min_score)
        result[i].push_back({allowed[static_cast<std::size_t>(neighbour.candidate)], neighbour.score});
  return result;
}

}  // namespace e5v::library
