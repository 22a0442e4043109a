#include "stores/postgres/schema.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/error.h"

namespace e5v::stores::postgres {
namespace {

/// "e5vL": the number of the advisory lock.
constexpr std::int64_t kLock = 0x6535764C;
constexpr int kMinMajor = 0, kMinMinor = 8;  // of pgvector: iterative scans

// Texts that are compared as bytes have the collation "C". Hashes are 32 hexadecimal digits.
constexpr const char* kTables = R"(
CREATE SCHEMA e5v;
CREATE TABLE e5v.settings (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE e5v.roots (path text COLLATE "C" PRIMARY KEY, exclude text NOT NULL);  -- exclude: a JSON list of patterns
CREATE TABLE e5v.files (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  path text COLLATE "C" NOT NULL UNIQUE,   -- absolute
  size bigint NOT NULL, mtime_ns bigint NOT NULL,
  sidecars bigint NOT NULL,                -- a stamp of its sidecar files; 0: it has none
  hash text COLLATE "C",                   -- of its photo; NULL: not known
  state text NOT NULL CHECK (state IN ('waiting', 'done', 'failed', 'gone')),
  reason text,                             -- of a failure
  claimed_by text, claimed_until timestamptz);  -- the program that reads it now
CREATE INDEX files_hash ON e5v.files (hash);
CREATE INDEX files_state ON e5v.files (state, path) WHERE state <> 'done';
CREATE INDEX files_claimed_by ON e5v.files (claimed_by) WHERE claimed_by IS NOT NULL;
)";

std::string photos_table(std::int64_t width) {
  return fmt::format(R"(
CREATE TABLE e5v.photos (
  hash text COLLATE "C" PRIMARY KEY,
  width integer NOT NULL, height integer NOT NULL,  -- in pixels, upright; 0: not known
  taken text COLLATE "C",                           -- local time, ISO 8601
  camera text, lens text,
  latitude double precision, longitude double precision,
  orientation smallint NOT NULL,                    -- 1 to 8, as in EXIF
  rating smallint,                                  -- -1 to 5
  keywords text,                                    -- one per line
  caption text,
  vector halfvec({}) NOT NULL);                     -- of length 1
CREATE INDEX photos_taken ON e5v.photos (taken);
)",
                     width);
}

/// Whether the schema e5v has a table or an index. to_regclass() would answer from a cache that may be older than the
/// lock that was waited for (findings/postgresql_to_regclass_misses_a_table.sh).
bool has_relation(Connection& connection, const char* name) {
  return connection
             .run(
                 "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                 "WHERE n.nspname = 'e5v' AND c.relname = $1::text",
                 {Value::of(std::string_view(name))})
             .rows() > 0;
}

/// pgvector must be installed on the server; the database gets it here.
void make_extension(Connection& connection) {
  const std::string& name = connection.url().name();
  const Result available = connection.run("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'");
  require(available.rows() > 0, "[{}] the server has no pgvector: expected its extension vector, {}.{} or newer", name,
          kMinMajor, kMinMinor);
  connection.execute("CREATE EXTENSION IF NOT EXISTS vector");
  const std::string version = connection.run("SELECT extversion FROM pg_extension WHERE extname = 'vector'").text(0, 0);
  char* rest = nullptr;
  const long major = std::strtol(version.c_str(), &rest, 10), minor = std::strtol(rest + (*rest == '.'), nullptr, 10);
  require(major > kMinMajor || minor >= kMinMinor, "[{}] expected pgvector {}.{} or newer, found {}", name, kMinMajor,
          kMinMinor, version);
}

}  // namespace

void lock_schema(Connection& connection) {
  connection.run("SELECT pg_advisory_xact_lock($1::bigint)", {Value::of(kLock)});
}

bool has_schema(Connection& connection) {
  if (!has_relation(connection, "settings")) return false;
  const std::int64_t format = std::strtoll(setting(connection, "format").value_or("0").c_str(), nullptr, 10);
  require(format <= kFormat,
          "[{}] has format {}, which a newer version of e5v wrote; this version reads formats up to {}",
          connection.url().name(), format, kFormat);
  return true;
}

void make_schema(Connection& connection, std::int64_t width) {
  in_transaction(connection, [&] {
    lock_schema(connection);
    if (has_schema(connection)) return;
    make_extension(connection);
    connection.execute(kTables + photos_table(width));
    set(connection, "format", std::to_string(kFormat));
  });
}

void reset_photos(Connection& connection, std::int64_t width) {
  connection.execute("DROP TABLE e5v.photos");
  connection.execute(photos_table(width));
  connection.execute(
      "UPDATE e5v.files SET state = 'waiting', hash = NULL, claimed_by = NULL, claimed_until = NULL "
      "WHERE state IN ('waiting', 'done')");
  connection.execute("DELETE FROM e5v.files WHERE state = 'gone'");
}

std::string sign_distance(const std::string& column, const std::string& parameter, std::int64_t width) {
  return fmt::format("binary_quantize({0})::bit({2}) <~> binary_quantize({1}::halfvec({2}))::bit({2})", column,
                     parameter, width);
}

void make_vector_index(Connection& connection, std::int64_t width) {
  in_transaction(connection, [&] {
    lock_schema(connection);
    connection.execute(
        fmt::format("CREATE INDEX IF NOT EXISTS photos_signs ON e5v.photos USING hnsw "
                    "((binary_quantize(vector)::bit({})) bit_hamming_ops)",
                    width));
  });
}

bool has_vector_index(Connection& connection) { return has_relation(connection, "photos_signs"); }

std::optional<std::string> setting(Connection& connection, const std::string& key) {
  const Result found = connection.run("SELECT value FROM e5v.settings WHERE key = $1::text", {Value::of(key)});
  return found.rows() == 0 ? std::nullopt : std::optional(found.text(0, 0));
}

void set(Connection& connection, const std::string& key, const std::string& value) {
  connection.run(
      "INSERT INTO e5v.settings (key, value) VALUES ($1::text, $2::text) "
      "ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
      {Value::of(key), Value::of(value)});
}

}  // namespace e5v::stores::postgres
