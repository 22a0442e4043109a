#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "stores/postgres/connection.h"

/// The tables of a store in PostgreSQL, all of them in the schema e5v.
namespace e5v::stores::postgres {

/// The format of the tables. A program refuses newer ones.
inline constexpr std::int64_t kFormat = 1;

/// Whether the database has the tables. Throws InvalidInput if a newer program made them.
bool has_schema(Connection& connection);

/// Makes the extension, which must be pgvector 0.8 or newer, and the tables for vectors [width], unless they exist.
/// Several programs may do so at once.
void make_schema(Connection& connection, std::int64_t width);

/// Forgets all photos and makes place for vectors [width]; all files wait again. In a transaction of the caller.
void reset_photos(Connection& connection, std::int64_t width);

/// Makes the index of the vectors' signs (HNSW), unless there is one.
void make_vector_index(Connection& connection, std::int64_t width);
bool has_vector_index(Connection& connection);
/// The text after ORDER BY that this index answers: the Hamming distance between the signs of a column and a parameter.
std::string sign_distance(const std::string& column, const std::string& parameter, std::int64_t width);

/// A named text; nothing if it was never set.
std::optional<std::string> setting(Connection& connection, const std::string& key);
void set(Connection& connection, const std::string& key, const std::string& value);

/// Lets one program at a time go on, until its transaction ends.
void lock_schema(Connection& connection);

}  // namespace e5v::stores::postgres
