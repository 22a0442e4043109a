#include "stores/postgres/photo_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace e5v::stores::postgres {
namespace {

/// What a known photo gets of another one. Its vector stays: it is equal, because the fingerprints are.
std::string replaced_by(const std::string& other) {
  return fmt::format(
      "width = {0}.width, height = {0}.height, taken = {0}.taken, camera = {0}.camera, lens = {0}.lens, "
      "latitude = {0}.latitude, longitude = {0}.longitude, orientation = {0}.orientation, rating = {0}.rating, "
      "keywords = {0}.keywords, caption = {0}.caption",
      other);
}

void add_metadata(CopyRows& copy, const library::Metadata& metadata) {
  copy.add_integer(metadata.width), copy.add_integer(metadata.height);
  copy.add_text_or_null(metadata.taken), copy.add_text_or_null(metadata.camera), copy.add_text_or_null(metadata.lens);
  metadata.latitude ? copy.add_double(*metadata.latitude) : copy.add_null();
  metadata.longitude ? copy.add_double(*metadata.longitude) : copy.add_null();
  copy.add_smallint(metadata.orientation);
  metadata.rating ? copy.add_smallint(*metadata.rating) : copy.add_null();
  copy.add_text_or_null(fmt::format("{}", fmt::join(metadata.keywords, "\n")));
  copy.add_text_or_null(metadata.caption);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace

library::Metadata metadata_at(const Result& result, std::int64_t row, int column) {
  library::Metadata metadata;
  metadata.width = result.integer(row, column);
  metadata.height = result.integer(row, column + 1);
  metadata.taken = result.text(row, column + 2);
  metadata.camera = result.text(row, column + 3);
  metadata.lens = result.text(row, column + 4);
  if (!result.is_null(row, column + 5)) metadata.latitude = result.real(row, column + 5);
  if (!result.is_null(row, column + 6)) metadata.longitude = result.real(row, column + 6);
  metadata.orientation = static_cast<int>(result.integer(row, column + 7));
  if (!result.is_null(row, column + 8)) metadata.rating = static_cast<int>(result.integer(row, column + 8));
  metadata.keywords = lines_of(result.text(row, column + 9));
  metadata.caption = result.text(row, column + 10);
  return metadata;
}

void PhotoRows::add(const Hash128& hash, const library::Metadata& metadata, std::span<const tensor::Half> vector) {
  copy_.begin_row(1 + kMetadataCount + 1);
  copy_.add_text(hash.hex());
  add_metadata(copy_, metadata);
  vector.empty() ? copy_.add_null() : copy_.add_halfvec(vector);
}

std::vector<std::string> PhotoRows::write(Connection& connection) {
  std::vector<std::string> added;
  if (copy_.rows() == 0) return added;
  // COPY has no ON CONFLICT, so it fills a temporary table.
  connection.execute("CREATE TEMPORARY TABLE incoming_photos ON COMMIT DROP AS SELECT * FROM e5v.photos WITH NO DATA");
  connection.copy_in(
      fmt::format("COPY incoming_photos (hash, {}, vector) FROM STDIN (FORMAT binary)", kMetadataColumns),
      copy_.data());
  // Rows are locked in the order of their hashes, so that two programs do not wait for each other. A row that was
  // inserted, and not updated, has no xmax.
  const Result written =
      connection.run(fmt::format("WITH written AS (INSERT INTO e5v.photos (hash, {0}, vector) "
                                 "SELECT DISTINCT ON (hash) hash, {0}, vector FROM incoming_photos "
                                 "WHERE vector IS NOT NULL ORDER BY hash "
                                 "ON CONFLICT (hash) DO UPDATE SET {1} RETURNING hash, xmax = 0 AS is_new) "
                                 "SELECT hash FROM written WHERE is_new",
                                 kMetadataColumns, replaced_by("EXCLUDED")));
  for (std::int64_t row = 0; row < written.rows(); ++row) added.push_back(written.text(row, 0));
  connection.run(
      fmt::format("UPDATE e5v.photos p SET {} FROM incoming_photos i WHERE p.hash = i.hash AND "
                  "i.vector IS NULL",
                  replaced_by("i")));
  return added;
}

}  // namespace e5v::stores::postgres
