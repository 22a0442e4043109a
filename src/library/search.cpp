#include "library/search.h"

#include <algorithm>

#include "base/error.h"
#include "vectors/nearest.h"
#include "vectors/top_k.h"
#include "vectors/vector_index.h"

namespace e5v::library {
namespace {

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

PhotoIndex::PhotoIndex(Library& library) : vectors_(library.vectors()) {
  if (vectors_) rounded_.emplace(library.vectors_path(), vectors_->matrix());
}

std::vector<Found> PhotoIndex::search(std::span<const float> query, const AllowedRows& allowed, std::int64_t top,
                                      double min_score) const {
  if (rows() == 0 || allowed.count == 0) return {};
  require(std::ssize(query) == vectors_->width(), "[search] the query has {} dimensions, the library {}", query.size(),
          vectors_->width());
  std::vector<Found> found;
  for (const vectors::Neighbour& near :
       vectors::nearest(query, vectors_->matrix(), rounded_->rows(), top, allowed.mask))
    if (near.score >= min_score) found.push_back({near.candidate, near.score});
  return found;
}

std::vector<Found> PhotoIndex::search(std::span<const float> query, const std::vector<std::int64_t>& allowed,
                                      std::int64_t top, double min_score) const {
  AllowedRows mask;
  mask.mask.resize(static_cast<std::size_t>(rows()), 0);
  for (const std::int64_t row : allowed) {
    if (row < 0 || row >= rows()) continue;  // indexed since this index was made
    mask.mask[static_cast<std::size_t>(row)] = 1;
    ++mask.count;
  }
  return search(query, mask, top, min_score);
}

std::vector<std::vector<Found>> PhotoIndex::neighbours(const std::vector<std::int64_t>& allowed, std::int64_t most,
                                                       double min_score) const {
  const auto count = static_cast<std::int64_t>(allowed.size());
  std::vector<std::vector<Found>> result(allowed.size());
  if (count < 2) return result;
  require(allowed.back() < rows(), "[search] expected rows below {}, found {}", rows(), allowed.back());
  std::vector<float> chosen;  // [count, width]
  for (const std::int64_t row : allowed)
    for (const tensor::Half value : vectors_->row(row)) chosen.push_back(static_cast<float>(value));
  const tensor::Matrix chosen_CD = vectors::matrix_of_floats(chosen, count);
  const vectors::VectorIndex index(chosen_CD);
  const auto nearest = vectors::top_k(vectors::VectorScores(chosen_CD, index), std::min(most + 1, count));
  for (std::size_t i = 0; i < allowed.size(); ++i)
    for (const vectors::Neighbour& neighbour : nearest[i])
      if (neighbour.candidate > static_cast<std::int64_t>(i) && neighbour.score >= min_score)
        result[i].push_back({allowed[static_cast<std::size_t>(neighbour.candidate)], neighbour.score});
  return result;
}

}  // namespace e5v::library
