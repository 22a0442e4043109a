#pragma once
#include "library/database.h"

namespace e5v::library {

/// The format of the catalogue, which `PRAGMA user_version` holds. A change of a table raises it.
inline constexpr int kCatalogueFormat = 2;

/// Makes sure that a database has the tables of a catalogue; with `write`, they are created in an empty one, and
/// those of an older format are brought up to date. Throws InvalidInput if it holds something else, has the format of a
/// newer version, or, without `write`, that of an older one.
void check_schema(Database& database, bool write);

}  // namespace e5v::library
