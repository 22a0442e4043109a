#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "stores/store_url.h"
#include "tensor/half.h"

struct pg_conn;
struct pg_result;

namespace e5v::stores::postgres {

/// A parameter $1, $2, ... of a statement; its type is that of a cast in the statement, as in $1::bigint.
struct Value {
  std::optional<std::string> bytes;  ///< nothing: NULL
  bool is_binary = false;

  static Value of(std::int64_t number) { return {std::to_string(number)}; }
  static Value of(double number);
  static Value of(std::string_view text) { return {std::string(text)}; }
  /// A halfvec: the numbers, rounded to f16.
  static Value of_vector(std::span<const float> vector);
  /// An array of texts, such as text[].
  static Value of_list(std::span<const std::string> texts);
};

/// The rows of a result. Columns are counted from 0; the types of the accessors must be those of the columns.
class Result {
 public:
  explicit Result(pg_result* result) : result_(result) {}

  std::int64_t rows() const;
  /// The number of rows that a statement has changed.
  std::int64_t changed() const;
  bool is_null(std::int64_t row, int column) const;
  /// A text; an empty one for NULL.
  std::string text(std::int64_t row, int column) const;
  /// A smallint, integer or bigint; 0 for NULL.
  std::int64_t integer(std::int64_t row, int column) const;
  /// A double precision; 0 for NULL.
  double real(std::int64_t row, int column) const;
  /// A halfvec.
  std::vector<tensor::Half> halves(std::int64_t row, int column) const;

 private:
  friend class Connection;
  std::string_view bytes(std::int64_t row, int column) const;

  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

/// Two transactions have waited for each other, or changed the same rows: the transaction is to be tried again.
struct Conflict {};

/// A connection to PostgreSQL. Not thread-safe. Its functions throw InvalidInput if the server refuses something, and
/// DeviceError if it cannot be reached; messages have one line, begin with the address, and have no password. In a
/// transaction, they throw Conflict, too.
class Connection {
 public:
  explicit Connection(const StoreUrl& url);

  const StoreUrl& url() const { return url_; }

  /// Runs one statement.
  Result run(const std::string& statement, const std::vector<Value>& values = {});
  /// Runs a COPY ... FROM STDIN (FORMAT binary) with all its data (postgres/copy_rows).
  void copy_in(const std::string& statement, const std::string& data);
  /// Runs statements without results.
  void execute(const std::string& statements);

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  [[noreturn]] void fail_with(const pg_result* result) const;

  StoreUrl url_;
  std::unique_ptr<pg_conn, Finish> connection_;
};

[[noreturn]] void fail_conflict(const Connection& connection);
/// Ends a transaction as far as the server can be reached.
void roll_back(Connection& connection) noexcept;

/// Calls work() in a transaction and commits it; again after a Conflict, some times.
template <class Work>
auto in_transaction(Connection& connection, const Work& work, const char* begin = "BEGIN") {
  constexpr int kAttempts = 8;
  for (int attempt = 1;; ++attempt) {
    try {
      connection.execute(begin);
      if constexpr (std::is_void_v<decltype(work())>) {
        work();
        connection.execute("COMMIT");
        return;
      } else {
        auto result = work();
        connection.execute("COMMIT");
        return result;
      }
    } catch (const Conflict&) {
      connection.execute("ROLLBACK");
      if (attempt == kAttempts) fail_conflict(connection);
    } catch (...) {
      roll_back(connection);
      throw;
    }
  }
}

}  // namespace e5v::stores::postgres
