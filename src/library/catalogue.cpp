#include "library/catalogue.h"

#include <fmt/ranges.h>

#include <array>

#include "base/error.h"
#include "base/json.h"
#include "library/schema.h"

namespace e5v::library {
namespace {

constexpr std::array<std::string_view, 4> kStateNames{"waiting", "done", "failed", "gone"};

/// Opens a database whose tables are those of a catalogue.
Database open_catalogue(const std::filesystem::path& path, Database::Access access) {
  Database database(path, access);
  check_schema(database, access == Database::Access::write);
  return database;
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

FileEntry entry_of(const Statement& row) {
  FileEntry entry;
  entry.id = row.column<std::int64_t>(0);
  entry.status = {row.column<std::string>(1), row.column<std::int64_t>(2), row.column<std::int64_t>(3)};
  if (const auto hash = row.column<std::optional<std::string>>(4)) entry.hash = Hash128::from_hex(*hash);
  entry.state = state_of(row.column<std::string>(5));
  entry.reason = row.column<std::string>(6);
  entry.status.sidecars = row.column<std::int64_t>(7);
  return entry;
}

/// Binds the columns of a photo: ?1 its hash, ?2 its row, then the metadata.
Statement& bind_photo(Statement& statement, const Hash128& hash, std::optional<std::int64_t> row,
                      const Metadata& metadata) {
  return statement.bind(
      hash.hex(), row, metadata.width, metadata.height, unless_empty(metadata.taken), unless_empty(metadata.camera),
      unless_empty(metadata.lens), metadata.latitude, metadata.longitude, metadata.orientation, metadata.rating,
      unless_empty(fmt::format("{}", fmt::join(metadata.keywords, "\n"))), unless_empty(metadata.caption));
}

constexpr const char* kEntryColumns = "id, path, size, mtime_ns, hash, state, reason, sidecars";

}  // namespace

std::string_view name_of(FileState state) { return kStateNames.at(static_cast<std::size_t>(state)); }

FileState state_of(std::string_view name) {
  for (std::size_t i = 0; i < kStateNames.size(); ++i)
    if (kStateNames[i] == name) return static_cast<FileState>(i);
  fail<InvalidInput>("[catalogue] expected the state of a file, found {}", in_quotes(name));
}

PathRange::PathRange(std::string_view folder) : begin(folder), end(folder) {
  static_assert('/' + 1 == '0');
  if (folder.empty()) {
    end.assign(1, '0');  // all paths are absolute
  } else if (folder.ends_with('/')) {
    end.back() = '0';
  } else {
    begin += '/';
    end += '0';
  }
}

Catalogue::Catalogue(const std::filesystem::path& path, Database::Access access)
    : database_(open_catalogue(path, access)),
      insert_file_(database_,
                   "INSERT INTO files (path, size, mtime_ns, state, sidecars) VALUES (?1, ?2, ?3, 'waiting', ?4)"),
      update_file_(database_,
                   "UPDATE files SET size = ?2, mtime_ns = ?3, sidecars = ?4, state = 'waiting', stale = 0, "
                   "hash = NULL, reason = NULL WHERE path = ?1"),
      state_(database_, "UPDATE files SET state = ?2 WHERE id = ?1"),
      done_(database_,
            "UPDATE files SET size = ?2, mtime_ns = ?3, hash = ?4, sidecars = ?5, state = 'done', stale = 0, "
            "reason = NULL WHERE id = ?1"),
      failed_(database_,
              "UPDATE files SET size = ?2, mtime_ns = ?3, hash = NULL, state = 'failed', reason = ?4 WHERE id = ?1"),
      insert_photo_(database_,
                    "INSERT INTO photos (hash, row, width, height, taken, camera, lens, latitude, longitude, "
                    "orientation, rating, keywords, caption) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"),
      find_photo_(database_, "SELECT 1 FROM photos WHERE hash = ?1") {}

std::optional<std::string> Catalogue::setting(std::string_view key) {
  Statement statement(database_, "SELECT value FROM settings WHERE key = ?1");
  if (!statement.bind(key).step()) return std::nullopt;
  return statement.column<std::string>(0);
}

void Catalogue::set(std::string_view key, std::string_view value) {
  Statement(database_, "INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)").bind(key, value).run();
}

std::vector<Root> Catalogue::roots() {
  std::vector<Root> roots;
  Statement statement(database_, "SELECT path, exclude FROM roots ORDER BY path");
  while (statement.step()) {
    const Json exclude = parse_json(statement.column<std::string>(1), database_.path().string());
    roots.push_back({statement.column<std::string>(0), exclude.get<std::vector<std::string>>()});
  }
  return roots;
}

void Catalogue::set_root(const Root& root) {
  const PathRange inside(root.path);
  Statement(database_, "DELETE FROM roots WHERE path >= ?1 AND path < ?2").bind(inside.begin, inside.end).run();
  Statement(database_, "INSERT OR REPLACE INTO roots (path, exclude) VALUES (?1, ?2)")
      .bind(root.path, Json(root.exclude).dump())
      .run();
}

void Catalogue::for_each_file(std::string_view folder, const std::function<void(const FileEntry&)>& visit) {
  const PathRange range(folder);
  Statement statement(database_,
                      fmt::format("SELECT {} FROM files WHERE path >= ?1 AND path < ?2 ORDER BY path", kEntryColumns));
  statement.bind(range.begin, range.end);
  while (statement.step()) visit(entry_of(statement));
}

std::optional<FileEntry> Catalogue::find(std::string_view path) {
  Statement statement(database_, fmt::format("SELECT {} FROM files WHERE path = ?1", kEntryColumns));
  if (!statement.bind(path).step()) return std::nullopt;
  return entry_of(statement);
}

std::vector<FileEntry> Catalogue::files_from(const std::string& start) {
  std::vector<FileEntry> files;
  Statement statement(database_, fmt::format("SELECT {} FROM files WHERE path >= ?1 AND path < ?1 || char(0x10FFFF) "
                                             "AND instr(substr(path, length(?1) + 1), '/') = 0 ORDER BY path",
                                             kEntryColumns));
  statement.bind(start);
  while (statement.step()) files.push_back(entry_of(statement));
  return files;
}

std::vector<FileEntry> Catalogue::files_with(FileState state) {
  std::vector<FileEntry> files;
  // The state is written out, so that the partial index applies.
  Statement statement(
      database_, fmt::format("SELECT {} FROM files WHERE state = '{}' ORDER BY path", kEntryColumns, name_of(state)));
  while (statement.step()) files.push_back(entry_of(statement));
  return files;
}

void Catalogue::add_waiting(const FileStatus& status) {
  const auto write = [&](Statement& statement) {
    statement.bind(status.path, status.size, status.mtime_ns, status.sidecars).run();
  };
  write(update_file_);
  if (database_.changed() == 0) write(insert_file_);
}

void Catalogue::set_state(std::int64_t file, FileState state) { state_.bind(file, name_of(state)).run(); }

void Catalogue::forget(std::int64_t file) { Statement(database_, "DELETE FROM files WHERE id = ?1").bind(file).run(); }

void Catalogue::set_done(std::int64_t file, const FileStatus& status, const Hash128& hash) {
  done_.bind(file, status.size, status.mtime_ns, hash.hex(), status.sidecars).run();
}

void Catalogue::set_failed(std::int64_t file, const FileStatus& status, std::string_view reason) {
  failed_.bind(file, status.size, status.mtime_ns, reason).run();
}

void Catalogue::set_sidecars(std::int64_t file, std::int64_t stamp) {
  Statement(database_, "UPDATE files SET sidecars = ?2, stale = 1 WHERE id = ?1").bind(file, stamp).run();
}

std::vector<FileEntry> Catalogue::stale_files() {
  std::vector<FileEntry> files;
  Statement statement(
      database_, fmt::format("SELECT {} FROM files WHERE stale = 1 AND state = 'done' ORDER BY path", kEntryColumns));
  while (statement.step()) files.push_back(entry_of(statement));
  return files;
}

void Catalogue::make_all_stale() { database_.execute("UPDATE files SET stale = 1 WHERE state = 'done'"); }

void Catalogue::set_fresh(std::int64_t file) {
  Statement(database_, "UPDATE files SET stale = 0 WHERE id = ?1").bind(file).run();
}

std::int64_t Catalogue::retry_failed() {
  database_.execute("UPDATE files SET state = 'waiting', reason = NULL WHERE state = 'failed'");
  return database_.changed();
}

void Catalogue::add_photo(const Hash128& hash, std::int64_t row, const Metadata& metadata) {
  bind_photo(insert_photo_, hash, row, metadata).run();
}

void Catalogue::set_metadata(const Hash128& hash, const Metadata& metadata) {
  Statement statement(database_,
                      "UPDATE photos SET width = ?3, height = ?4, taken = ?5, camera = ?6, lens = ?7, latitude = ?8, "
                      "longitude = ?9, orientation = ?10, rating = ?11, keywords = ?12, caption = ?13 "
                      "WHERE hash = ?1 AND ?2 IS NULL");  // the row stays
  bind_photo(statement, hash, std::nullopt, metadata).run();
}

bool Catalogue::has_photo(const Hash128& hash) {
  const bool found = find_photo_.bind(hash.hex()).step();
  if (found) find_photo_.step();  // ends the query
  return found;
}

bool Catalogue::forget_gone(const Hash128& hash) {
  Statement(database_,
            "DELETE FROM files WHERE id = (SELECT id FROM files WHERE hash = ?1 AND state = 'gone' ORDER BY path "
            "LIMIT 1)")
      .bind(hash.hex())
      .run();
  return database_.changed() > 0;
}

std::int64_t Catalogue::purge_gone() {
  database_.execute("DELETE FROM files WHERE state = 'gone'");
  const std::int64_t files = database_.changed();
  database_.execute("DELETE FROM photos WHERE hash NOT IN (SELECT hash FROM files WHERE hash IS NOT NULL)");
  return files;
}

std::int64_t Catalogue::forget_rows_from(std::int64_t rows) {
  Statement(database_,
            "UPDATE files SET hash = NULL, state = CASE state WHEN 'done' THEN 'waiting' ELSE state END WHERE hash IN "
            "(SELECT hash FROM photos WHERE row >= ?1)")
      .bind(rows)
      .run();
  Statement(database_, "DELETE FROM photos WHERE row >= ?1").bind(rows).run();
  return database_.changed();
}

std::vector<std::pair<Hash128, std::int64_t>> Catalogue::rows_of_photos() {
  std::vector<std::pair<Hash128, std::int64_t>> result;
  Statement statement(database_, "SELECT hash, row FROM photos ORDER BY row");
  while (statement.step()) {
    const auto hash = Hash128::from_hex(statement.column<std::string>(0));
    if (hash) result.emplace_back(*hash, statement.column<std::int64_t>(1));
  }
  return result;
}

void Catalogue::move_row(const Hash128& hash, std::int64_t row) {
  Statement(database_, "UPDATE photos SET row = ?2 WHERE hash = ?1").bind(hash.hex(), row).run();
}

std::set<std::int64_t> Catalogue::known_sizes() {
  std::set<std::int64_t> sizes;
  Statement statement(database_, "SELECT DISTINCT size FROM files WHERE hash IS NOT NULL");
  while (statement.step()) sizes.insert(statement.column<std::int64_t>(0));
  return sizes;
}

std::int64_t Catalogue::rows() { return database_.number("SELECT coalesce(max(row) + 1, 0) FROM photos"); }

Counts Catalogue::counts() {
  Counts counts;
  Statement statement(database_, "SELECT state, count(*) FROM files GROUP BY state");
  while (statement.step()) {
    const auto number = statement.column<std::int64_t>(1);
    switch (state_of(statement.column<std::string>(0))) {
      case FileState::waiting: counts.waiting = number; break;
      case FileState::done: counts.done = number; break;
      case FileState::failed: counts.failed = number; break;
      case FileState::gone: counts.gone = number; break;
    }
  }
  counts.vectors = database_.number("SELECT count(*) FROM photos");
  return counts;
}

}  // namespace e5v::library
