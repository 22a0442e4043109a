#include "library/filter.h"

#include <fmt/format.h>

#include "base/error.h"
#include "library/catalogue.h"

namespace e5v::library {
namespace {

/// A beginning of "0000-00-00T00:00:00" that ends after a number.
bool is_date(std::string_view date) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (date.size() < 4 || date.size() > kForm.size() || (date.size() > 4 && (date.size() - 4) % 3 != 0)) return false;
  for (std::size_t i = 0; i < date.size(); ++i) {
    const bool digit = date[i] >= '0' && date[i] <= '9';
    if (kForm[i] == '0' ? !digit : date[i] != kForm[i]) return false;
  }
  return true;
}

}  // namespace

void check_filter(const Filter& filter) {
  for (const std::string& date : {filter.from, filter.to})
    require(date.empty() || is_date(date),
            "[filter] expected a date as 2019, 2019-07, 2019-07-14 or 2019-07-14T12:30, found {}", in_quotes(date));
}

std::vector<std::int64_t> allowed_rows(Database& database, const Filter& filter) {
  check_filter(filter);
  std::string sql =
      "SELECT row FROM photos WHERE EXISTS (SELECT 1 FROM files WHERE files.hash = photos.hash AND state = 'done'";
  if (!filter.folder.empty()) sql += " AND path >= ?1 AND path < ?2";
  sql += ")";
  if (!filter.from.empty()) sql += " AND taken >= ?3";
  if (!filter.to.empty()) sql += " AND substr(taken, 1, length(?4)) <= ?4";
  if (!filter.camera.empty()) sql += " AND instr(lower(camera), lower(?5)) > 0";
  if (filter.min_rating) sql += " AND rating >= ?6";
  switch (filter.shape) {
    case Shape::any: break;
    case Shape::landscape: sql += " AND width > height"; break;
    case Shape::portrait: sql += " AND width < height"; break;
    case Shape::square: sql += " AND width = height AND width > 0"; break;
  }
  sql += " AND ?7 ORDER BY row";  // so that all parameters exist
  Statement statement(database, sql);
  const PathRange folder(filter.folder);
  statement.bind(folder.begin, folder.end, filter.from, filter.to, filter.camera, filter.min_rating, 1);
  std::vector<std::int64_t> rows;
  while (statement.step()) rows.push_back(statement.column<std::int64_t>(0));
  return rows;
}

}  // namespace e5v::library
