#pragma once
#include <vector>

#include "families/family.h"

namespace e5v::families {

/// Families in the order in which they are asked whether a config belongs to them.
using Table = std::vector<const Family*>;

/// The table that the functions below use: all families of this library, or the table of a TableScope.
const Table& table();

/// Replaces table() while the object exists, for programs and tests with their own family. Only one object may exist,
/// and no other thread may open a model meanwhile.
class TableScope {
 public:
  explicit TableScope(Table table);
  TableScope(const TableScope&) = delete;
  TableScope& operator=(const TableScope&) = delete;
  ~TableScope();

 private:
  Table table_;
};

/// The family of a model folder (model::find_model_folder). Throws ModelError when config.json cannot be read or
/// belongs to no family.
const Family& family_of(const std::filesystem::path& folder);

/// The same; null where family_of() throws.
const Family* find_family(const std::filesystem::path& folder);

/// Opens the model of a path (a folder, or a folder of the hub's cache). Throws what family_of() and Family::open()
/// throw.
std::unique_ptr<embed::Engine> open(const std::filesystem::path& path, const LoadOptions& options);

}  // namespace e5v::families
