#include "library/schema.h"

#include "base/error.h"

namespace e5v::library {
namespace {

/// "e5vL" as a number, which marks the file as a catalogue (`PRAGMA application_id`).
constexpr std::int64_t kApplication = 0x6535764C;

// Hashes are 32 hexadecimal digits. Paths are the bytes of the file system. Several files may have one photo.
constexpr const char* kTables = R"(
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE roots (path TEXT PRIMARY KEY, exclude TEXT NOT NULL) WITHOUT ROWID;  -- exclude: a JSON list of patterns

CREATE TABLE photos (
  hash TEXT PRIMARY KEY,
  row INTEGER NOT NULL UNIQUE,  -- of its vector
  width INTEGER NOT NULL, height INTEGER NOT NULL,  -- in pixels, upright; 0: not known
  taken TEXT,                   -- local time, ISO 8601
  camera TEXT, lens TEXT,
  latitude REAL, longitude REAL,
  orientation INTEGER NOT NULL, -- 1 to 8, as in EXIF
  rating INTEGER,               -- -1 to 5
  keywords TEXT,                -- one per line
  caption TEXT,
  files INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;  -- the number of those with the state 'done', kept by triggers

CREATE TABLE files (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,    -- absolute
  size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  hash TEXT REFERENCES photos (hash),  -- NULL: not known
  state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'failed', 'gone')),
  reason TEXT,                  -- of a failure
  sidecars INTEGER NOT NULL DEFAULT 0,  -- what the last walk has seen of its sidecar files; 0: it has none
  stale INTEGER NOT NULL DEFAULT 0,     -- 1: sidecars have changed, so the metadata are to be read again
  row INTEGER);                 -- that of its photo while the state is 'done', kept by triggers
CREATE INDEX files_hash ON files (hash);
CREATE INDEX files_state ON files (state) WHERE state <> 'done';
)";

// What format 1 lacked.
constexpr const char* kColumnsOfFormat2 = R"(
ALTER TABLE photos ADD COLUMN files INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN sidecars INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN row INTEGER;
UPDATE files SET row = (SELECT row FROM photos WHERE photos.hash = files.hash) WHERE state = 'done';
UPDATE photos SET files = (SELECT count(*) FROM files WHERE files.hash = photos.hash AND state = 'done');
)";

// What makes searches of a million photos quick. One without a filter asks only for photos without files, which are
// few. A filter reads one of the indices, which have all columns that it needs, also that of their condition.
constexpr const char* kForSearches = R"(
CREATE INDEX photos_without_files ON photos (row) WHERE files = 0;
CREATE INDEX photos_to_filter ON photos (taken, camera, rating, width, height, row, files) WHERE files > 0;
CREATE INDEX files_to_filter ON files (path, row, state) WHERE state = 'done';
CREATE INDEX files_stale ON files (stale) WHERE stale = 1;
CREATE TRIGGER file_added AFTER INSERT ON files WHEN NEW.state = 'done' BEGIN
  UPDATE photos SET files = files + 1 WHERE hash = NEW.hash;
  UPDATE files SET row = (SELECT row FROM photos WHERE hash = NEW.hash) WHERE id = NEW.id;
END;
CREATE TRIGGER file_removed AFTER DELETE ON files WHEN OLD.state = 'done' BEGIN
  UPDATE photos SET files = files - 1 WHERE hash = OLD.hash;
END;
CREATE TRIGGER file_changed AFTER UPDATE OF hash, state ON files BEGIN
  UPDATE photos SET files = files - 1 WHERE hash = OLD.hash AND OLD.state = 'done';
  UPDATE photos SET files = files + 1 WHERE hash = NEW.hash AND NEW.state = 'done';
  UPDATE files SET row = CASE NEW.state WHEN 'done' THEN (SELECT row FROM photos WHERE hash = NEW.hash) END
    WHERE id = NEW.id;
END;
CREATE TRIGGER row_changed AFTER UPDATE OF row ON photos BEGIN
  UPDATE files SET row = NEW.row WHERE hash = NEW.hash AND state = 'done';
END;
)";

void set_format(Database& database) {
  database.execute(fmt::format("PRAGMA user_version = {}; PRAGMA application_id = {}", kCatalogueFormat, kApplication));
}

}  // namespace

void check_schema(Database& database, bool write) {
  const std::string path = database.path().string();
  const std::int64_t format = database.number("PRAGMA user_version"),
                     application = database.number("PRAGMA application_id");
  if (write && format == 0 && database.number("SELECT count(*) FROM sqlite_schema") == 0) {
    Transaction transaction(database);
    database.execute(kTables);
    database.execute(kForSearches);
    set_format(database);
    transaction.commit();
    return;
  }
  require(application != 0 || format != 0 || database.number("SELECT count(*) FROM sqlite_schema") > 0,
          "[{}] is empty: e5v index was ended before it began", path);
  require(application == kApplication, "[{}] is another program's database, expected the catalogue of a library", path);
  require(format <= kCatalogueFormat,
          "[{}] has format {}, which a newer version of e5v wrote; this version reads formats up to {}", path, format,
          kCatalogueFormat);
  if (format == kCatalogueFormat) return;
  require(write, "[{}] has format {}, which an older version of e5v wrote; e5v index brings it up to date", path,
          format);
  Transaction transaction(database);
  database.execute(kColumnsOfFormat2);
  database.execute(kForSearches);
  set_format(database);
  transaction.commit();
}

}  // namespace e5v::library
