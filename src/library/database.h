#pragma once
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

struct sqlite3;
struct sqlite3_stmt;

namespace e5v::library {

/// A SQLite database. Its functions throw InvalidInput if the file is damaged, locked, read-only or no database, and
/// DeviceError if the disk is full or fails. Messages begin with the path.
class Database {
 public:
  enum class Access { read, write };

  /// Opens a database; with Access::write, the file is created if it does not exist, with a write-ahead log, so that
  /// readers and one writer do not wait for each other. With Access::read, the file must exist; it may be on a medium
  /// that cannot be written.
  Database(std::filesystem::path path, Access access);

  /// Runs statements that have no results.
  void execute(const std::string& statements);
  /// Returns the first column of the first row of a query, which must have one.
  std::int64_t number(std::string_view query);
  /// Returns the number of rows that the last statement changed.
  std::int64_t changed() const;

  sqlite3* handle() const { return handle_.get(); }
  const std::filesystem::path& path() const { return path_; }
  /// Throws the exception for a result code of SQLite.
  [[noreturn]] void fail_with(int code) const;

 private:
  void open(const std::string& uri, int flags);

  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::filesystem::path path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A prepared statement. Parameters ?1, ?2, ... and columns are int64, double, text, or optional ones, for NULL.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);

  /// Ends an earlier execution and binds all parameters.
  template <class... Values>
  Statement& bind(const Values&... values) {
    reset();
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }

  /// Moves to the next row of the result; returns false at its end.
  bool step();
  /// Executes a statement without results.
  void run() {
    while (step()) {
    }
  }

  /// A column of the current row, counted from 0. NULL becomes 0 or an empty text, or an empty optional.
  template <class T>
  T column(int index) const {
    if constexpr (std::integral<T>) {
      return static_cast<T>(integer(index));
    } else if constexpr (std::floating_point<T>) {
      return static_cast<T>(real(index));
    } else if constexpr (std::same_as<T, std::string>) {
      return std::string(text(index));
    } else {
      if (is_null(index)) return T();
      return column<typename T::value_type>(index);
    }
  }

 private:
  template <class Value>
  void bind_one(int index, const Value& value) {
    if constexpr (std::integral<Value>) {
      bind_integer(index, static_cast<std::int64_t>(value));
    } else if constexpr (std::floating_point<Value>) {
      bind_real(index, static_cast<double>(value));
    } else if constexpr (std::convertible_to<Value, std::string_view>) {
      bind_text(index, value);
    } else if (value) {
      bind_one(index, *value);
    }  // unbound parameters are NULL
  }
  void bind_integer(int index, std::int64_t value);
  void bind_real(int index, double value);
  void bind_text(int index, std::string_view value);
  void check(int code) const;
  void reset();
  bool is_null(int index) const;
  std::int64_t integer(int index) const;
  double real(int index) const;
  std::string_view text(int index) const;

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A write transaction, which is rolled back unless commit() is called.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(&database) { database.execute("BEGIN IMMEDIATE"); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Database* database_;
};

}  // namespace e5v::library
