#include "library/database.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class DatabaseTest : public testing::Test {
 protected:
  std::filesystem::path path(const char* name = "a.sqlite") const { return folder_.path() / name; }
  test::TemporaryFolder folder_;
};

TEST_F(DatabaseTest, ValuesComeBackAsTheyWereBound) {
  Database database(path(), Database::Access::write);
  database.execute("CREATE TABLE t (i, r, s, n)");
  const std::string bytes = "caf\xC3\xA9 \xFF";  // paths may be no UTF-8
  Statement(database, "INSERT INTO t VALUES (?1, ?2, ?3, ?4)")
      .bind(std::int64_t{1} << 62, 0.1, bytes, std::optional<double>())
      .run();
  Statement read(database, "SELECT i, r, s, n FROM t");
  ASSERT_TRUE(read.step());
  EXPECT_EQ(read.column<std::int64_t>(0), std::int64_t{1} << 62);
  EXPECT_EQ(read.column<double>(1), 0.1);
  EXPECT_EQ(read.column<std::string>(2), bytes);
  EXPECT_EQ(read.column<std::optional<double>>(3), std::nullopt);
  EXPECT_EQ(read.column<std::optional<double>>(1), 0.1);
  EXPECT_FALSE(read.step());
}

TEST_F(DatabaseTest, AParameterThatIsNotBoundAnewIsNull) {
  Database database(path(), Database::Access::write);
  Statement echo(database, "SELECT ?1");
  ASSERT_TRUE(echo.bind(7).step());
  ASSERT_TRUE(echo.bind(std::optional<int>()).step());
  EXPECT_EQ(echo.column<std::optional<int>>(0), std::nullopt);
}

TEST_F(DatabaseTest, ATransactionThatIsNotCommittedLeavesNothing) {
  Database database(path(), Database::Access::write);
  database.execute("CREATE TABLE t (i)");
  {
    const Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (1)");
  }
  EXPECT_EQ(database.number("SELECT count(*) FROM t"), 0);
  Transaction transaction(database);
  database.execute("INSERT INTO t VALUES (1)");
  transaction.commit();
  EXPECT_EQ(database.number("SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, AReaderSeesWhatAWriterHasCommitted) {
  Database writer(path("100% ?#.sqlite"), Database::Access::write);
  writer.execute("CREATE TABLE t (i)");
  Database reader(path("100% ?#.sqlite"), Database::Access::read);
  Transaction transaction(writer);
  writer.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(reader.number("SELECT count(*) FROM t"), 0);
  transaction.commit();
  EXPECT_EQ(reader.number("SELECT count(*) FROM t"), 1);
  EXPECT_THAT([&] { reader.execute("INSERT INTO t VALUES (2)"); },
              ThrowsMessage<InvalidInput>(HasSubstr("cannot be written: it is read-only")));
}

TEST_F(DatabaseTest, WhatIsNoDatabaseIsNamed) {
  folder_.write("a.sqlite", std::string(4096, 'x'));
  EXPECT_THAT([&] { Database(path(), Database::Access::read); },
              ThrowsMessage<InvalidInput>(HasSubstr("a.sqlite] is damaged: expected a SQLite database")));
  EXPECT_THAT([&] { Database(path("missing"), Database::Access::read); },
              ThrowsMessage<InvalidInput>(HasSubstr("missing] cannot be opened")));
}

TEST_F(DatabaseTest, FullDiskIsAnErrorOfTheDevice) {
  Database database(path(), Database::Access::write);
  database.execute("CREATE TABLE t (i); PRAGMA max_page_count = 3");  // SQLite's own way to have no more room
  EXPECT_THAT([&] { database.execute("INSERT INTO t VALUES (zeroblob(100000))"); },
              ThrowsMessage<DeviceError>(HasSubstr("the disk is full")));
}

}  // namespace
}  // namespace e5v::library
