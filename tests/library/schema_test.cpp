#include "library/schema.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class SchemaTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  Database database_{folder_.path() / "catalogue.sqlite", Database::Access::write};
};

TEST_F(SchemaTest, TablesAreCreatedOnce) {
  check_schema(database_, true);
  database_.execute("INSERT INTO settings VALUES ('a', 'b')");
  check_schema(database_, true);
  EXPECT_EQ(database_.number("SELECT count(*) FROM settings"), 1);
  EXPECT_EQ(database_.number("PRAGMA user_version"), kCatalogueFormat);
}

TEST_F(SchemaTest, ANewerFormatIsRefused) {
  check_schema(database_, true);
  database_.execute("PRAGMA user_version = 7");
  EXPECT_THAT([&] { check_schema(database_, true); },
              ThrowsMessage<InvalidInput>(HasSubstr("catalogue.sqlite] has format 7, which a newer version of e5v "
                                                    "wrote; this version reads formats up to 2")));
}

TEST_F(SchemaTest, AnOlderFormatIsBroughtUpToDate) {
  // The tables of format 1, as far as they differ.
  database_.execute(R"(
    CREATE TABLE photos (hash TEXT PRIMARY KEY, row INTEGER NOT NULL UNIQUE, taken TEXT,
                         camera TEXT, rating INTEGER, width INTEGER, height INTEGER) WITHOUT ROWID;
    CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, hash TEXT REFERENCES photos (hash),
                        state TEXT NOT NULL);
    INSERT INTO photos (hash, row) VALUES ('a', 0), ('b', 1);
    INSERT INTO files (path, hash, state) VALUES ('/1', 'a', 'done'), ('/2', 'a', 'done'), ('/3', 'b', 'gone');
    PRAGMA user_version = 1; PRAGMA application_id = 0x6535764C)");
  EXPECT_THAT([&] { check_schema(database_, false); },
              ThrowsMessage<InvalidInput>(
                  HasSubstr("has format 1, which an older version of e5v wrote; e5v index brings it up to date")));
  check_schema(database_, true);
  EXPECT_EQ(database_.number("PRAGMA user_version"), kCatalogueFormat);
  EXPECT_EQ(database_.number("SELECT files FROM photos WHERE hash = 'a'"), 2);
  EXPECT_EQ(database_.number("SELECT files FROM photos WHERE hash = 'b'"), 0);
  EXPECT_EQ(database_.number("SELECT sum(sidecars) + sum(stale) FROM files"), 0);
  EXPECT_EQ(database_.number("SELECT count(*) FROM files WHERE row = 0"), 2);
  EXPECT_EQ(database_.number("SELECT count(*) FROM files WHERE row IS NULL"), 1);
}

TEST_F(SchemaTest, FiltersReadOnlyAnIndex) {
  check_schema(database_, true);
  for (const char* query :
       {"SELECT row FROM photos INDEXED BY photos_to_filter WHERE files > 0 AND taken >= '2019' AND taken < '2019~'",
        "SELECT row FROM photos INDEXED BY photos_to_filter WHERE files > 0 AND width > height AND rating > 2",
        "SELECT row FROM files INDEXED BY files_to_filter WHERE state = 'done' AND path >= '/a/' AND path < '/a0'"}) {
    Statement plan(database_, std::string("EXPLAIN QUERY PLAN ") + query);
    ASSERT_TRUE(plan.step());
    EXPECT_THAT(plan.column<std::string>(3), HasSubstr("USING COVERING INDEX")) << query;
  }
}

TEST_F(SchemaTest, TheFilesOfAPhotoAreCounted) {
  check_schema(database_, true);
  database_.execute(
      "INSERT INTO photos (hash, row, width, height, orientation) VALUES ('a', 0, 1, 1, 1), "
      "('b', 1, 1, 1, 1)");
  const auto files = [&](const char* hash) {
    return database_.number(fmt::format("SELECT files FROM photos WHERE hash = '{}'", hash));
  };
  database_.execute(
      "INSERT INTO files VALUES (1, '/1', 1, 1, 'a', 'done', NULL, 0, 0, NULL), "
      "(2, '/2', 1, 1, NULL, 'waiting', NULL, 0, 0, NULL)");
  EXPECT_EQ(files("a"), 1);
  database_.execute("UPDATE files SET hash = 'a', state = 'done' WHERE id = 2");
  EXPECT_EQ(files("a"), 2);
  EXPECT_EQ(database_.number("SELECT count(*) FROM files WHERE row = 0"), 2) << "and they have its row";
  database_.execute("UPDATE photos SET row = 7 WHERE hash = 'a'");
  EXPECT_EQ(database_.number("SELECT count(*) FROM files WHERE row = 7"), 2);
  database_.execute("UPDATE files SET hash = 'b' WHERE id = 2");
  EXPECT_EQ(files("a"), 1);
  EXPECT_EQ(files("b"), 1);
  database_.execute("UPDATE files SET state = 'gone' WHERE id = 1");
  EXPECT_EQ(files("a"), 0);
  EXPECT_EQ(database_.number("SELECT count(*) FROM files WHERE row IS NULL"), 1);
  database_.execute("DELETE FROM files");
  EXPECT_EQ(files("b"), 0);
}

TEST_F(SchemaTest, AnEmptyDatabaseIsNoCatalogueToRead) {
  EXPECT_THAT([&] { check_schema(database_, false); },
              ThrowsMessage<InvalidInput>(HasSubstr("catalogue.sqlite] is empty")));
}

TEST_F(SchemaTest, AnotherProgramsDatabaseIsRefused) {
  database_.execute("CREATE TABLE mine (i)");
  EXPECT_THAT([&] { check_schema(database_, true); },
              ThrowsMessage<InvalidInput>(HasSubstr("is another program's database")));
  EXPECT_EQ(database_.number("SELECT count(*) FROM sqlite_schema"), 1) << "nothing was added to it";
}

}  // namespace
}  // namespace e5v::library
