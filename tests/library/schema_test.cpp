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
                                                    "wrote; this version reads formats up to 1")));
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
