#pragma once
#include <string>
#include <vector>

#include "library/filter.h"
#include "stores/postgres/connection.h"

namespace e5v::stores::postgres {

/// The condition of a filter in SQL, on the table e5v.photos AS p: its photos are those of the same filter in a library
/// (library/filter). Appends parameters to `values`, which the condition names by their numbers.
std::string filter_sql(const library::Filter& filter, std::vector<Value>& values);

/// The condition that `column` has a path in a folder.
std::string in_folder_sql(const std::string& column, const std::string& folder, std::vector<Value>& values);

}  // namespace e5v::stores::postgres
