#pragma once
#include <vector>

#include "families/family.h"

namespace e5v::families {

/// Families in the order in which they are asked whether a config is theirs.
using Table = std::vector<const Family*>;

/// The table that the functions below ask: all families of this library, or the one of a TableScope.
const Table& table();

/// Puts another table in the place of table() while it lives; for programs and tests with a family of their own. One
/// at a time, and while no other thread opens a model.
class TableScope {
 public:
  explicit TableScope(Table table);
  TableScope(const TableScope&) = delete;
  TableScope& operator=(const TableScope&) = delete;
  ~TableScope();

 private:
  Table table_;
};

/// The family of a model folder (model::find_model_folder). Throws ModelError when config.json cannot be read or is of
/// no family.
const Family& family_of(const std::filesystem::path& folder);

/// The same; null where family_of() throws.
const Family* find_family(const std::filesystem::path& folder);

/// The model of a folder, or of what stands for one, ready to embed. Throws what family_of() and Family::open() throw.
std::unique_ptr<embed::Engine> open(const std::filesystem::path& path, const LoadOptions& options);

}  // namespace e5v::families
