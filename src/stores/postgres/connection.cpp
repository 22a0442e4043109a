#include "stores/postgres/connection.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdlib>

#include "base/error.h"

namespace e5v::stores::postgres {
namespace {

/// An integer of the network's byte order.
template <class Integer>
Integer from_network(const char* bytes) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i)
    value = static_cast<Integer>((value << 8) | static_cast<unsigned char>(bytes[i]));
  return value;
}

/// "sqlstate" of an error; empty if the connection is lost.
std::string_view state_of(const PGresult* result) {
  const char* state = result != nullptr ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  return state != nullptr ? state : "";
}

/// What a connection has if the address says nothing else: lost machines are noticed within half a minute.
constexpr std::array<const char*, 8> kNames{"connect_timeout",
                                            "keepalives_idle",
                                            "keepalives_interval",
                                            "keepalives_count",
                                            "tcp_user_timeout",
                                            "fallback_application_name",
                                            "dbname",
                                            nullptr};
constexpr std::array<const char*, 6> kDefaults{"10", "15", "5", "3", "30000", "e5v"};

}  // namespace

Value Value::of(double number) {
  std::array<char, 32> digits{};
  return {std::string(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr)};
}

Value Value::of_vector(std::span<const float> vector) {
  std::string bytes;
  const auto add = [&](std::uint16_t number) {
    bytes += static_cast<char>(number >> 8);
    bytes += static_cast<char>(number & 0xFF);
  };
  add(static_cast<std::uint16_t>(vector.size()));
  add(0);
  for (const float value : vector) add(tensor::Half(value).bits);
  return {std::move(bytes), true};
}

Value Value::of_list(std::span<const std::string> texts) {
  std::string list = "{";
  for (const std::string& text : texts) {
    list += list.size() > 1 ? ",\"" : "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') list += '\\';
      list += c;
    }
    list += '"';
  }
  return {list + "}"};
}

void Result::Clear::operator()(pg_result* result) const { PQclear(result); }

std::int64_t Result::rows() const { return PQntuples(result_.get()); }

std::int64_t Result::changed() const { return std::strtoll(PQcmdTuples(result_.get()), nullptr, 10); }

bool Result::is_null(std::int64_t row, int column) const {
  return PQgetisnull(result_.get(), static_cast<int>(row), column) != 0;
}

std::string_view Result::bytes(std::int64_t row, int column) const {
  return {PQgetvalue(result_.get(), static_cast<int>(row), column),
          static_cast<std::size_t>(PQgetlength(result_.get(), static_cast<int>(row), column))};
}

std::string Result::text(std::int64_t row, int column) const { return std::string(bytes(row, column)); }

std::int64_t Result::integer(std::int64_t row, int column) const {
  const std::string_view value = bytes(row, column);
  switch (value.size()) {
    case 0: return 0;
    case 1: return value[0];  // a boolean
    case 2: return from_network<std::int16_t>(value.data());
    case 4: return from_network<std::int32_t>(value.data());
    case 8: return static_cast<std::int64_t>(from_network<std::uint64_t>(value.data()));
    default: fail<DeviceError>("[libpq] expected an integer, found {} bytes", value.size());
  }
}

double Result::real(std::int64_t row, int column) const {
  const std::string_view value = bytes(row, column);
  if (value.empty()) return 0;
  require<DeviceError>(value.size() == 8, "[libpq] expected a double precision, found {} bytes", value.size());
  return std::bit_cast<double>(from_network<std::uint64_t>(value.data()));
}

std::vector<tensor::Half> Result::halves(std::int64_t row, int column) const {
  const std::string_view value = bytes(row, column);
  const std::size_t size = value.size() < 4 ? 0 : from_network<std::uint16_t>(value.data());
  require<DeviceError>(size > 0 && value.size() == 4 + 2 * size, "[libpq] expected a halfvec, found {} bytes",
                       value.size());
  std::vector<tensor::Half> halves(size);
  for (std::size_t i = 0; i < size; ++i) halves[i].bits = from_network<std::uint16_t>(value.data() + 4 + 2 * i);
  return halves;
}

void Connection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

Connection::Connection(const StoreUrl& url) : url_(url) {
  std::array<const char*, kNames.size()> values{};
  std::ranges::copy(kDefaults, values.begin());
  values[kDefaults.size()] = url_.text().c_str();  // its options come after the defaults
  connection_.reset(PQconnectdbParams(kNames.data(), values.data(), /*expand_dbname=*/1));
  require<DeviceError>(connection_ != nullptr, "[{}] out of memory", url_.name());
  require(PQstatus(connection_.get()) == CONNECTION_OK, "[{}] cannot be opened: {}", url_.name(),
          url_.masked(PQerrorMessage(connection_.get())));
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);  // the library prints nothing
  execute("SET client_encoding = 'UTF8'");
}

void Connection::fail_with(const pg_result* result) const {
  const std::string_view state = state_of(result);
  if (state == "40P01" || state == "40001") throw Conflict();  // a deadlock, or no serialisable order
  const char* primary = result != nullptr ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
  const std::string message = url_.masked(primary != nullptr ? primary : PQerrorMessage(connection_.get()));
  // Classes of the server's own troubles: connection, resources, operator intervention, system.
  const bool is_trouble = state.empty() || state.starts_with("08") || state.starts_with("53") ||
                          state.starts_with("57") || state.starts_with("58");
  if (is_trouble) fail<DeviceError>("[{}] {}", url_.name(), message);
  fail<InvalidInput>("[{}] {}", url_.name(), message);
}

Result Connection::run(const std::string& statement, const std::vector<Value>& values) {
  std::vector<const char*> bytes;
  std::vector<int> lengths, formats;
  for (const Value& value : values) {
    bytes.push_back(value.bytes ? value.bytes->c_str() : nullptr);
    lengths.push_back(value.bytes ? static_cast<int>(value.bytes->size()) : 0);
    formats.push_back(value.is_binary ? 1 : 0);
  }
  Result result(PQexecParams(connection_.get(), statement.c_str(), static_cast<int>(values.size()), nullptr,
                             bytes.data(), lengths.data(), formats.data(), /*resultFormat=*/1));
  const ExecStatusType status = PQresultStatus(result.result_.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) fail_with(result.result_.get());
  return result;
}

void Connection::execute(const std::string& statements) {
  const Result result(PQexec(connection_.get(), statements.c_str()));
  const ExecStatusType status = PQresultStatus(result.result_.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) fail_with(result.result_.get());
}

void Connection::copy_in(const std::string& statement, const std::string& data) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  {
    const Result started(PQexec(connection_.get(), statement.c_str()));
    if (PQresultStatus(started.result_.get()) != PGRES_COPY_IN) fail_with(started.result_.get());
  }
  for (std::size_t begin = 0; begin < data.size(); begin += kPiece)
    if (PQputCopyData(connection_.get(), data.data() + begin,
                      static_cast<int>(std::min(kPiece, data.size() - begin))) != 1)
      fail_with(nullptr);
  if (PQputCopyEnd(connection_.get(), nullptr) != 1) fail_with(nullptr);
  std::vector<Result> results;  // all of them are to be read
  while (PGresult* next = PQgetResult(connection_.get())) results.emplace_back(next);
  for (const Result& result : results)
    if (PQresultStatus(result.result_.get()) != PGRES_COMMAND_OK) fail_with(result.result_.get());
}

void fail_conflict(const Connection& connection) {
  fail<DeviceError>("[{}] other transactions change the same rows all the time", connection.url().name());
}

void roll_back(Connection& connection) noexcept {
  try {
    connection.execute("ROLLBACK");
  } catch (...) {  // the connection is lost, which ends the transaction, too
  }
}

}  // namespace e5v::stores::postgres
