#include "vectors/jsonl.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/parallel.h"
#include "vectors/ids.h"

namespace e5v::vectors {
namespace {

constexpr std::size_t kLongestLine = std::size_t{16} << 20;  // a million numbers

/// A line, and what it holds or what is wrong with it.
struct Row {
  std::string line, where;
  std::vector<float> numbers;
  std::optional<std::string> id;
  std::string problem;
};

float number_of(const Json& value, const std::string& where) {
  require(value.is_number(), "[{}] \"embedding\" holds {}, expected numbers", where, value.type_name());
  constexpr double kMax = std::numeric_limits<float>::max(), kBeyond = 0x1.ffffffp127;  // which rounds to infinity
  const double number = value.get<double>();
  require(std::abs(number) < kBeyond, "[{}] \"embedding\" holds {}, which is beyond float32", where, number);
  return static_cast<float>(std::clamp(number, -kMax, kMax));
}

void parse(Row& row) {
  const Json object = parse_json(row.line, row.where);
  require(object.is_object(), "[{}] expected an object with \"embedding\", found {}", row.where, object.type_name());
  const auto embedding = object.find("embedding"), id = object.find("id");
  require(embedding != object.end() && embedding->is_array() && !embedding->empty(),
          "[{}] expected \"embedding\", an array of numbers", row.where);
  for (const Json& value : *embedding) row.numbers.push_back(number_of(value, row.where));
  if (id == object.end() || id->is_null()) return;
  require(id->is_string() || id->is_number_integer(), "[{}] \"id\": expected a string or an integer, found {}",
          row.where, id->type_name());
  row.id = id_text(*id);
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

/// The next lines that are not blank; none at the end.
std::vector<Row> next_lines(LineReader& lines, const std::string& name) {
  constexpr std::size_t kRows = 256;  // enough for many threads
  std::vector<Row> rows;
  while (rows.size() < kRows) {
    const LineReader::Result result = lines.next();
    if (result == LineReader::Result::end) break;
    Row row;
    row.line = lines.line(), row.where = fmt::format("{}:{}", name, lines.number());
    if (result == LineReader::Result::too_long)
      row.problem = fmt::format("[{}] is longer than the limit of {} bytes", row.where, kLongestLine);
    if (!row.problem.empty() || !is_blank(row.line)) rows.push_back(std::move(row));
  }
  return rows;
}

void take(Row& row, JsonRows& all) {
  require(row.problem.empty(), "{}", row.problem);
  const std::int64_t width = std::ssize(row.numbers);
  if (all.rows == 0) all.width = width;
  require(width == all.width, "[{}] the vector has {} numbers, those before it have {}", row.where, width, all.width);
  require(all.rows == 0 || row.id.has_value() == !all.ids.empty(), "[{}] {}", row.where,
          row.id ? "has an \"id\", those before it have none" : "has no \"id\", those before it have one");
  all.numbers.insert(all.numbers.end(), row.numbers.begin(), row.numbers.end());
  if (row.id) all.ids.push_back(std::move(*row.id));
  ++all.rows;
}

}  // namespace

void append_json_row(const Json& id, std::span<const float> vector, std::string& out) {
  auto end = std::back_inserter(out);
  fmt::format_to(end, R"({{"id": {}, "embedding": [)", id.dump());
  for (std::size_t i = 0; i < vector.size(); ++i) fmt::format_to(end, "{}{}", i == 0 ? "" : ", ", vector[i]);
  out += "]}\n";
}

JsonRows read_json_rows(LineReader::Read read, const std::string& name) {
  LineReader lines(std::move(read), kLongestLine);
  JsonRows all;
  for (;;) {
    std::vector<Row> rows = next_lines(lines, name);
    if (rows.empty()) break;
    parallel_for(std::ssize(rows), 1, [&](std::int64_t i) {
      Row& row = rows[static_cast<std::size_t>(i)];
      if (!row.problem.empty()) return;
      try {
        parse(row);
      } catch (const InvalidInput& error) {
        row.problem = error.what();  // reported in the order of the lines
      }
    });
    for (Row& row : rows) take(row, all);
  }
  require(all.rows > 0, "[{}] holds no vectors", name);
  return all;
}

}  // namespace e5v::vectors
