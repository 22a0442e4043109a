#include "library/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/error.h"
#include "library/catalogue.h"

namespace e5v::library {

bool is_date(std::string_view text) {
  // A beginning of the form that ends after a number.
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() < 4 || text.size() > kForm.size() || (text.size() > 4 && (text.size() - 4) % 3 != 0)) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' ? !digit : text[i] != kForm[i]) return false;
  }
  const auto number = [&](std::size_t begin, std::size_t digits, int missing) {
    return begin < text.size() ? std::stoi(std::string(text.substr(begin, digits))) : missing;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4, 0)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2, 1))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2, 1)))};
  return day.ok() && number(11, 2, 0) < 24 && number(14, 2, 0) < 60 && number(17, 2, 0) < 60;
}

bool set_min_size(std::string_view text, Filter& filter) {
  constexpr double kMaxNumber = 1e6;
  const auto number = [&](std::string_view digits, auto& value) {
    const char* end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, value);
    return parsed.ec == std::errc() && parsed.ptr == end && value > 0 && static_cast<double>(value) <= kMaxNumber;
  };
  const std::size_t x = text.find('x');
  if (x == std::string_view::npos) return number(text, filter.min_megapixels);
  std::int64_t width = 0, height = 0;
  if (!number(text.substr(0, x), width) || !number(text.substr(x + 1), height)) return false;
  filter.min_long_side = std::max(width, height), filter.min_short_side = std::min(width, height);
  return true;
}

void check_filter(const Filter& filter) {
  for (const std::string& date : {filter.from, filter.to})
    require(date.empty() || is_date(date),
            "[filter] expected a date as 2019, 2019-07, 2019-07-14 or 2019-07-14T12:30, found {}", in_quotes(date));
  require(filter.from.empty() || filter.to.empty() || filter.from <= filter.to + '~',
          "[filter] expected a first date that is not after the last one, found {} and {}", in_quotes(filter.from),
          in_quotes(filter.to));
}

namespace {

/// Calls visit(row) for all rows of a query.
template <class Visit>
void for_each_row(Statement& statement, const Visit& visit) {
  while (statement.step()) visit(statement.column<std::int64_t>(0));
}

bool asks_for_metadata(const Filter& filter) {
  Filter rest = filter;
  rest.folder.clear();
  return !rest.is_empty();
}

/// Marks the photos with files whose metadata the filter lets through.
template <class Visit>
void visit_by_metadata(Database& database, const Filter& filter, const Visit& visit) {
  std::string sql = "SELECT row FROM photos INDEXED BY photos_to_filter WHERE files > 0";
  if (!filter.from.empty()) sql += " AND taken >= ?1";
  if (!filter.to.empty()) sql += " AND taken < ?2";
  if (!filter.camera.empty()) sql += " AND instr(lower(camera), lower(?3)) > 0";
  if (filter.min_rating) sql += " AND rating >= ?4";
  if (filter.min_megapixels > 0) sql += " AND width * height >= ?5 * 1e6";
  if (filter.min_long_side > 0) sql += " AND max(width, height) >= ?6 AND min(width, height) >= ?7";
  switch (filter.shape) {
    case Shape::any: break;
    case Shape::landscape: sql += " AND width > height"; break;
    case Shape::portrait: sql += " AND width < height"; break;
    case Shape::square: sql += " AND width = height AND width > 0"; break;
  }
  sql += " AND ?8";  // so that all parameters exist
  Statement statement(database, sql);
  const std::string end = filter.to + '~';  // above all times that begin with the date
  statement.bind(filter.from, end, filter.camera, filter.min_rating, filter.min_megapixels, filter.min_long_side,
                 filter.min_short_side, 1);
  for_each_row(statement, visit);
}

/// Marks the photos with a file in the folder.
template <class Visit>
void visit_by_folder(Database& database, const std::string& folder, const Visit& visit) {
  Statement statement(database,
                      "SELECT row FROM files INDEXED BY files_to_filter WHERE state = 'done' AND path >= ?1 AND path < "
                      "?2");
  const PathRange range(folder);
  statement.bind(range.begin, range.end);
  for_each_row(statement, visit);
}

}  // namespace

std::vector<std::int64_t> allowed_rows(Database& database, const Filter& filter) {
  const std::int64_t rows = database.number("SELECT coalesce(max(row) + 1, 0) FROM photos");
  const AllowedRows allowed = allowed_mask(database, filter, rows);
  std::vector<std::int64_t> list;
  for (std::int64_t row = 0; row < rows; ++row)
    if (allowed.mask.empty() || allowed.mask[static_cast<std::size_t>(row)] != 0) list.push_back(row);
  return list;
}

void AllowedRows::remove(std::int64_t row, std::int64_t rows) {
  if (mask.empty()) mask.resize(static_cast<std::size_t>(rows), 1);
  std::uint8_t& value = mask.at(static_cast<std::size_t>(row));
  count -= value;
  value = 0;
}

AllowedRows allowed_mask(Database& database, const Filter& filter, std::int64_t rows) {
  check_filter(filter);
  AllowedRows allowed;
  const auto size = static_cast<std::size_t>(rows);
  const auto set_in = [rows](std::vector<std::uint8_t>& mask, std::uint8_t value) {
    return [&mask, rows, value](std::int64_t row) {
      if (row < rows) mask[static_cast<std::size_t>(row)] = value;
    };
  };
  if (asks_for_metadata(filter)) {
    allowed.mask.resize(size, 0);
    visit_by_metadata(database, filter, set_in(allowed.mask, 1));
  } else if (filter.folder.empty()) {
    Statement hidden(database, "SELECT row FROM photos INDEXED BY photos_without_files WHERE files = 0");
    for_each_row(hidden, [&](std::int64_t row) {
      if (allowed.mask.empty()) allowed.mask.resize(size, 1);
      set_in(allowed.mask, 0)(row);
    });
  }
  if (!filter.folder.empty()) {
    std::vector<std::uint8_t> in_folder(size, 0);
    visit_by_folder(database, filter.folder, set_in(in_folder, 1));
    for (std::size_t row = 0; row < allowed.mask.size(); ++row) in_folder[row] &= allowed.mask[row];
    allowed.mask = std::move(in_folder);
  }
  allowed.count = allowed.mask.empty() ? rows : std::ranges::count(allowed.mask, std::uint8_t{1});
  return allowed;
}

}  // namespace e5v::library
