#include "stores/postgres/files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random_id.h"
#include "base/thread_without_signals.h"
#include "stores/postgres/filter_sql.h"
#include "stores/postgres/photo_rows.h"
#include "stores/postgres/schema.h"

namespace e5v::stores::postgres {
namespace {

constexpr const char* kEntryColumns = "f.id, f.path, f.size, f.mtime_ns, f.sidecars, f.reason";
constexpr const char* kUnclaimed = "claimed_by = NULL, claimed_until = NULL";

library::FileEntry entry_at(const Result& result, std::int64_t row, library::FileState state) {
  library::FileEntry entry;
  entry.id = result.integer(row, 0);
  entry.status = {result.text(row, 1), result.integer(row, 2), result.integer(row, 3), result.integer(row, 4)};
  entry.state = state;
  entry.reason = result.text(row, 5);
  return entry;
}

/// "machine 1234 89abcdef01234567".
std::string program_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("{} {} {}", host.data(), ::getpid(), random_id());
}

/// Fills the temporary table `walked` with the files of a folder.
void copy_walked(Connection& connection, const library::Walked& walked) {
  connection.execute(
      "CREATE TEMPORARY TABLE walked (path text COLLATE \"C\" PRIMARY KEY, size bigint, mtime_ns bigint, "
      "sidecars bigint) ON COMMIT DROP");
  CopyRows copy;
  for (const library::FileStatus& file : walked.files) {
    if (!is_valid_utf8(file.path)) continue;
    copy.begin_row(4);
    copy.add_text(file.path);
    for (const std::int64_t number : {file.size, file.mtime_ns, file.sidecars}) copy.add_bigint(number);
  }
  connection.copy_in("COPY walked FROM STDIN (FORMAT binary)", copy.data());
  connection.execute("ANALYZE walked");
}

/// The condition that a file is in the folder, and not in one that could not be read.
std::string is_known_sql(const std::string& folder, const library::Walked& walked, std::vector<Value>& values) {
  std::string sql = in_folder_sql("f.path", folder, values);
  for (const std::string& unreadable : walked.unreadable)
    sql += " AND NOT " + in_folder_sql("f.path", unreadable, values);
  return sql;
}

/// Adds the settled files of a batch to the temporary table `settled`.
void copy_settled(Connection& connection, const library::IndexBatch& batch) {
  connection.execute(
      "CREATE TEMPORARY TABLE settled (id bigint, size bigint, mtime_ns bigint, sidecars bigint, hash text COLLATE "
      "\"C\", reason text) ON COMMIT DROP");
  CopyRows copy;
  const auto add = [&](std::int64_t id, const library::FileStatus& status, const std::string& hash,
                       const std::string& reason) {
    copy.begin_row(6);
    for (const std::int64_t number : {id, status.size, status.mtime_ns, status.sidecars}) copy.add_bigint(number);
    copy.add_text_or_null(hash);
    copy.add_text_or_null(reason);
  };
  for (const auto& photo : batch.photos)
    for (const library::KnownFile& file : photo->files) add(file.id, file.status, file.hash.hex(), "");
  for (const library::KnownFile& file : batch.known) add(file.id, file.status, file.hash.hex(), "");
  for (const library::FailedFile& file : batch.failed) add(file.id, file.status, "", file.reason);
  connection.copy_in("COPY settled FROM STDIN (FORMAT binary)", copy.data());
}

/// The new photos, and the metadata of known ones.
PhotoRows rows_of(const library::IndexBatch& batch) {
  PhotoRows rows;
  for (const auto& photo : batch.photos) {
    std::vector<tensor::Half> vector;
    for (const float value : photo->vector) vector.emplace_back(value);
    rows.add(photo->hash, photo->metadata, vector);
  }
  for (const auto& [hash, metadata] : batch.described) rows.add(hash, metadata);
  return rows;
}

}  // namespace

Files::Files(Connection& connection) : connection_(connection), program_(program_name()) {}

Files::~Files() { end_claims(); }

library::Changes Files::record(const std::string& folder, const library::Walked& walked) {
  return in_transaction(connection_, [&] {
    lock_schema(connection_);  // one walk at a time: each sees what the one before has recorded
    copy_walked(connection_, walked);
    library::Changes changes;
    changes.added = connection_
                        .run(
                            "INSERT INTO e5v.files (path, size, mtime_ns, sidecars, state) "
                            "SELECT path, size, mtime_ns, sidecars, 'waiting' FROM walked ORDER BY path "
                            "ON CONFLICT (path) DO NOTHING")
                        .changed();
    changes.returned = connection_
                           .run(
                               "UPDATE e5v.files f SET state = 'done' FROM walked w WHERE f.path = w.path AND "
                               "f.state = 'gone' AND f.size = w.size AND f.mtime_ns = w.mtime_ns AND "
                               "f.sidecars = w.sidecars")
                           .changed();
    changes.changed =
        connection_
            .run(fmt::format("UPDATE e5v.files f SET state = 'waiting', hash = NULL, reason = NULL, size = w.size, "
                             "mtime_ns = w.mtime_ns, sidecars = w.sidecars, {} FROM walked w WHERE f.path = w.path "
                             "AND (f.state = 'gone' OR f.size <> w.size OR f.mtime_ns <> w.mtime_ns OR "
                             "f.sidecars <> w.sidecars)",
                             kUnclaimed))
            .changed();
    std::vector<Value> values;
    const std::string missing =
        is_known_sql(folder, walked, values) + " AND NOT EXISTS (SELECT 1 FROM walked w WHERE w.path = f.path)";
    changes.gone =
        connection_.run("UPDATE e5v.files f SET state = 'gone' WHERE f.state = 'done' AND " + missing, values)
            .changed();
    changes.gone +=
        connection_.run("DELETE FROM e5v.files f WHERE f.state IN ('waiting', 'failed') AND " + missing, values)
            .changed();
    changes.unchanged = std::ssize(walked.files) - changes.added - changes.changed - changes.returned;
    return changes;
  });
}

void Files::begin_claims(std::span<const std::string> folders, std::chrono::milliseconds time) {
  end_claims();
  model_ = setting(connection_, kModelSetting).value_or("");
  folders_.assign(folders.begin(), folders.end());
  time_ = time;
  stopping_ = false;
  claims_ = std::make_unique<Connection>(connection_.url());
  renewal_ = thread_without_signals([this] { renew_until_stopped(); });
}

/// Renews the claims three times in their time. If the server cannot be reached, they end, and commit() notices it.
void Files::renew_until_stopped() {
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, time_ / 3, [this] { return stopping_; })) {
    try {
      claims_->run(
          "UPDATE e5v.files SET claimed_until = now() + $2::bigint * interval '1 millisecond' "
          "WHERE claimed_by = $1::text",
          {Value::of(program_), Value::of(std::int64_t{time_.count()})});
    } catch (const Conflict&) {  // the next renewal is early enough
    } catch (const Error& error) {
      log_warning("{}", error.what());
    }
  }
}

std::string Files::folders_sql(std::vector<Value>& values) const {
  std::string sql;
  for (const std::string& folder : folders_)
    sql += (sql.empty() ? "" : " OR ") + in_folder_sql("f.path", folder, values);
  return sql.empty() ? "false" : "(" + sql + ")";
}

std::vector<library::FileEntry> Files::claim(std::int64_t count) {
  const std::lock_guard lock(mutex_);
  std::vector<Value> values{Value::of(count), Value::of(program_), Value::of(std::int64_t{time_.count()})};
  const std::string sql = fmt::format(
      "WITH free AS (SELECT f.id FROM e5v.files f WHERE f.state = 'waiting' AND "
      "(f.claimed_until IS NULL OR f.claimed_until < now()) AND {} "
      "ORDER BY f.path LIMIT $1::bigint FOR UPDATE SKIP LOCKED) "
      "UPDATE e5v.files f SET claimed_by = $2::text, claimed_until = now() + $3::bigint * interval '1 millisecond' "
      "FROM free WHERE f.id = free.id RETURNING {}",
      folders_sql(values), kEntryColumns);
  const Result claimed = claims_->run(sql, values);
  std::vector<library::FileEntry> files;
  for (std::int64_t row = 0; row < claimed.rows(); ++row)
    files.push_back(entry_at(claimed, row, library::FileState::waiting));
  std::ranges::sort(files, {}, [](const library::FileEntry& file) { return file.status.path; });
  return files;
}

void Files::forget(std::int64_t file) {
  const std::lock_guard lock(mutex_);
  claims_->run("DELETE FROM e5v.files WHERE id = $1::bigint AND state = 'waiting' AND claimed_by = $2::text",
               {Value::of(file), Value::of(program_)});
}

bool Files::has_photo(const Hash128& hash) {
  const std::lock_guard lock(mutex_);
  return claims_->run("SELECT 1 FROM e5v.photos WHERE hash = $1::text", {Value::of(hash.hex())}).rows() > 0;
}

std::int64_t Files::waiting() {
  std::vector<Value> values;
  const std::string sql = folders_sql(values);
  return connection_.run("SELECT count(*) FROM e5v.files f WHERE f.state = 'waiting' AND " + sql, values).integer(0, 0);
}

library::Indexed Files::commit(const library::IndexBatch& batch) {
  return in_transaction(connection_, [&] {
    const Result model = connection_.run("SELECT value FROM e5v.settings WHERE key = $1::text FOR SHARE",
                                         {Value::of(std::string_view(kModelSetting))});
    require(model.rows() > 0 && model.text(0, 0) == model_, "[{}] another program has given the store another model",
            connection_.url().name());
    library::Indexed done;
    done.embedded = std::ssize(rows_of(batch).write(connection_));
    copy_settled(connection_, batch);
    const std::int64_t settled =
        connection_
            .run(fmt::format("UPDATE e5v.files f SET size = s.size, mtime_ns = s.mtime_ns, sidecars = s.sidecars, "
                             "hash = s.hash, reason = s.reason, "
                             "state = CASE WHEN s.reason IS NULL THEN 'done' ELSE 'failed' END, {} FROM settled s "
                             "WHERE f.id = s.id AND f.claimed_by = $1::text",
                             kUnclaimed),
                 {Value::of(program_)})
            .changed();
    done.failed = std::min(settled, std::ssize(batch.failed));
    // A file that has gone is one that was moved, if a new one has its content.
    done.moved = connection_
                     .run(
                         "DELETE FROM e5v.files WHERE id IN (SELECT DISTINCT ON (g.hash) g.id FROM e5v.files g "
                         "JOIN settled s ON g.hash = s.hash WHERE g.state = 'gone' ORDER BY g.hash, g.id)")
                     .changed();
    done.known = std::max<std::int64_t>(0, settled - done.failed - done.moved - done.embedded);
    return done;
  });
}

void Files::end_claims() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (renewal_.joinable()) renewal_.join();
  if (!claims_) return;
  try {
    claims_->run(fmt::format("UPDATE e5v.files SET {} WHERE claimed_by = $1::text", kUnclaimed), {Value::of(program_)});
  } catch (...) {  // they end by themselves
  }
  claims_.reset();
}

void Files::retry_failed() {
  connection_.execute("UPDATE e5v.files SET state = 'waiting', reason = NULL WHERE state = 'failed'");
}

std::int64_t Files::purge() {
  return in_transaction(connection_, [&] {
    const std::int64_t purged = connection_.run("DELETE FROM e5v.files WHERE state = 'gone'").changed();
    connection_.execute("DELETE FROM e5v.photos p WHERE NOT EXISTS (SELECT 1 FROM e5v.files f WHERE f.hash = p.hash)");
    return purged;
  });
}

void Files::rebuild(const library::ModelRecord& model) {
  in_transaction(connection_, [&] {
    lock_schema(connection_);
    set(connection_, kModelSetting, model.json());
    reset_photos(connection_, model.width);
  });
}

library::Counts Files::counts() {
  library::Counts counts;
  const Result states = connection_.run("SELECT state, count(*) FROM e5v.files GROUP BY state");
  for (std::int64_t row = 0; row < states.rows(); ++row) {
    switch (library::state_of(states.text(row, 0))) {
      case library::FileState::waiting: counts.waiting = states.integer(row, 1); break;
      case library::FileState::done: counts.done = states.integer(row, 1); break;
      case library::FileState::failed: counts.failed = states.integer(row, 1); break;
      case library::FileState::gone: counts.gone = states.integer(row, 1); break;
    }
  }
  counts.vectors = connection_.run("SELECT count(*) FROM e5v.photos").integer(0, 0);
  return counts;
}

std::vector<library::FileEntry> Files::failed() {
  const Result found = connection_.run(
      fmt::format("SELECT {} FROM e5v.files f WHERE f.state = 'failed' ORDER BY f.path", kEntryColumns));
  std::vector<library::FileEntry> files;
  for (std::int64_t row = 0; row < found.rows(); ++row)
    files.push_back(entry_at(found, row, library::FileState::failed));
  return files;
}

}  // namespace e5v::stores::postgres
