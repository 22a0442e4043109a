#include "library/database.h"

#include <sqlite3.h>

#include <utility>

#include "base/error.h"

namespace e5v::library {
namespace {

/// How long a call waits for another process, in milliseconds. Transactions take less than a second.
constexpr int kBusyTimeout = 10'000;

/// The path as SQLite's URI, with the characters escaped that end a path.
std::string uri_of(const std::filesystem::path& path, std::string_view parameters) {
  std::string uri = "file://";  // and no host
  for (const char c : std::filesystem::absolute(path).string()) {
    if (c == '%' || c == '?' || c == '#') {
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  return uri.append(parameters);
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const { ::sqlite3_close_v2(handle); }
void Statement::Finalize::operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }

Database::Database(std::filesystem::path path, Access access) : path_(std::move(path)) {
  if (access == Access::write) {
    open(uri_of(path_, ""), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
    return;
  }
  open(uri_of(path_, ""), SQLITE_OPEN_READONLY);
  const int code = ::sqlite3_exec(handle(), "SELECT 1 FROM sqlite_schema", nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return;
  // The log of a database in a folder that cannot be written cannot be opened, and nobody writes it there.
  if (code != SQLITE_CANTOPEN && code != SQLITE_READONLY) fail_with(code);
  open(uri_of(path_, "?immutable=1"), SQLITE_OPEN_READONLY);
}

void Database::open(const std::string& uri, int flags) {
  sqlite3* handle = nullptr;
  const int code = ::sqlite3_open_v2(uri.c_str(), &handle, flags | SQLITE_OPEN_URI, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail_with(code);
  ::sqlite3_extended_result_codes(handle, 0);
  ::sqlite3_busy_timeout(handle, kBusyTimeout);
}

void Database::fail_with(int code) const {
  const std::string path = path_.string(), reason = handle_ ? ::sqlite3_errmsg(handle()) : ::sqlite3_errstr(code);
  switch (code & 0xFF) {
    case SQLITE_FULL: fail<DeviceError>("[{}] cannot be written: the disk is full", path);
    case SQLITE_IOERR:
    case SQLITE_NOMEM: fail<DeviceError>("[{}] cannot be read or written: {}", path, reason);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: fail<InvalidInput>("[{}] is damaged: expected a SQLite database: {}", path, reason);
    case SQLITE_READONLY:
    case SQLITE_PERM: fail<InvalidInput>("[{}] cannot be written: it is read-only", path);
    case SQLITE_CANTOPEN: fail<InvalidInput>("[{}] cannot be opened: {}", path, reason);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: fail<InvalidInput>("[{}] another process has kept it locked", path);
    default: fail<InvalidInput>("[{}] {}", path, reason);
  }
}

void Database::execute(const std::string& statements) {
  const int code = ::sqlite3_exec(handle(), statements.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail_with(code);
}

std::int64_t Database::number(std::string_view query) {
  Statement statement(*this, query);
  require(statement.step(), "[{}] expected a row of {}, found none", path_.string(), query);
  return statement.column<std::int64_t>(0);
}

std::int64_t Database::changed() const { return ::sqlite3_changes64(handle()); }

Statement::Statement(Database& database, std::string_view sql) : database_(&database) {
  sqlite3_stmt* statement = nullptr;
  check(::sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                             &statement, nullptr));
  statement_.reset(statement);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) database_->fail_with(code);
}

void Statement::reset() {
  ::sqlite3_reset(statement_.get());  // its result is that of the last step
  ::sqlite3_clear_bindings(statement_.get());
}

bool Statement::step() {
  const int code = ::sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    ::sqlite3_reset(statement_.get());
    database_->fail_with(code);
  }
  ::sqlite3_reset(statement_.get());  // so that the statement holds no lock
  return false;
}

void Statement::bind_integer(int index, std::int64_t value) {
  check(::sqlite3_bind_int64(statement_.get(), index, value));
}
void Statement::bind_real(int index, double value) { check(::sqlite3_bind_double(statement_.get(), index, value)); }
void Statement::bind_text(int index, std::string_view value) {
  check(::sqlite3_bind_text64(statement_.get(), index, value.data() == nullptr ? "" : value.data(), value.size(),
                              SQLITE_TRANSIENT, SQLITE_UTF8));
}

bool Statement::is_null(int index) const { return ::sqlite3_column_type(statement_.get(), index) == SQLITE_NULL; }
std::int64_t Statement::integer(int index) const { return ::sqlite3_column_int64(statement_.get(), index); }
double Statement::real(int index) const { return ::sqlite3_column_double(statement_.get(), index); }
std::string_view Statement::text(int index) const {
  const auto* text = reinterpret_cast<const char*>(::sqlite3_column_text(statement_.get(), index));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(::sqlite3_column_bytes(statement_.get(), index))};
}

Transaction::~Transaction() {
  if (database_ != nullptr) ::sqlite3_exec(database_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_->execute("COMMIT");
  database_ = nullptr;
}

}  // namespace e5v::library
