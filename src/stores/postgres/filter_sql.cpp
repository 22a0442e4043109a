#include "stores/postgres/filter_sql.h"

#include <fmt/format.h>

#include "library/catalogue.h"

namespace e5v::stores::postgres {
namespace {

/// Appends a value and returns its name in SQL: "$3::bigint".
template <class Given>
std::string parameter(const Given& given, const char* type, std::vector<Value>& values) {
  values.push_back(Value::of(given));
  return fmt::format("${}::{}", values.size(), type);
}

}  // namespace

std::string in_folder_sql(const std::string& column, const std::string& folder, std::vector<Value>& values) {
  const library::PathRange range(folder);
  const std::string begin = parameter(std::string_view(range.begin), "text", values);
  return fmt::format("({0} >= {1} AND {0} < {2})", column, begin,
                     parameter(std::string_view(range.end), "text", values));
}

std::string filter_sql(const library::Filter& filter, std::vector<Value>& values) {
  check_filter(filter);
  std::string sql = "EXISTS (SELECT 1 FROM e5v.files f WHERE f.hash = p.hash AND f.state = 'done'";
  if (!filter.folder.empty()) sql += " AND " + in_folder_sql("f.path", filter.folder, values);
  sql += ")";
  if (!filter.from.empty()) sql += " AND p.taken >= " + parameter(std::string_view(filter.from), "text", values);
  if (!filter.to.empty())  // above all times that begin with the date
    sql += " AND p.taken < " + parameter(filter.to + '~', "text", values);
  if (!filter.camera.empty())
    sql += fmt::format(" AND strpos(lower(p.camera COLLATE \"C\"), lower({} COLLATE \"C\")) > 0",
                       parameter(std::string_view(filter.camera), "text", values));
  if (filter.min_rating)
    sql += " AND p.rating >= " + parameter(static_cast<std::int64_t>(*filter.min_rating), "bigint", values);
  if (filter.min_megapixels > 0)
    sql += fmt::format(" AND p.width::bigint * p.height >= {} * 1e6::double precision",
                       parameter(filter.min_megapixels, "double precision", values));
  if (filter.min_long_side > 0) {
    sql += " AND greatest(p.width, p.height) >= " + parameter(filter.min_long_side, "bigint", values);
    sql += " AND least(p.width, p.height) >= " + parameter(filter.min_short_side, "bigint", values);
  }
  switch (filter.shape) {
    case library::Shape::any: break;
    case library::Shape::landscape: sql += " AND p.width > p.height"; break;
    case library::Shape::portrait: sql += " AND p.width < p.height"; break;
    case library::Shape::square: sql += " AND p.width = p.height AND p.width > 0"; break;
  }
  return sql;
}

}  // namespace e5v::stores::postgres
