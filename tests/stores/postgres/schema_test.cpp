#include "stores/postgres/schema.h"

#include <barrier>
#include <thread>

#include "stores/postgres/database.h"

namespace e5v::stores::postgres {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class SchemaTest : public test::PostgresTest {};

TEST_F(SchemaTest, SeveralProgramsMakeItAtOnce) {
  EXPECT_FALSE(has_schema(connection_));
  std::barrier all_have_looked(4);
  std::vector<std::thread> programs;
  for (int i = 0; i < 4; ++i)
    programs.emplace_back([&all_have_looked] {
      Connection connection(url());
      EXPECT_FALSE(has_schema(connection));
      all_have_looked.arrive_and_wait();
      make_schema(connection, 4096);
      make_vector_index(connection, 4096);
    });
  for (std::thread& program : programs) program.join();
  EXPECT_TRUE(has_schema(connection_));
  EXPECT_TRUE(has_vector_index(connection_));
  EXPECT_EQ(setting(connection_, "format"), "1");
}

TEST_F(SchemaTest, ANewerFormatIsRefused) {
  make_schema(connection_, 8);
  set(connection_, "format", "2");
  EXPECT_THAT([&] { has_schema(connection_); },
              ThrowsMessage<InvalidInput>(HasSubstr("has format 2, which a newer version of e5v wrote")));
}

TEST_F(SchemaTest, SettingsAreReplaced) {
  make_schema(connection_, 8);
  EXPECT_EQ(setting(connection_, "a"), std::nullopt);
  set(connection_, "a", "1");
  set(connection_, "a", "'2'");
  EXPECT_EQ(setting(connection_, "a"), "'2'");
}

TEST_F(SchemaTest, AResetLetsFilesWaitForVectorsOfAnotherWidth) {
  make_schema(connection_, 8);
  make_vector_index(connection_, 8);
  for (const char* state : {"waiting", "done", "failed", "gone"})
    connection_.run(
        "INSERT INTO e5v.files (path, size, mtime_ns, sidecars, state) VALUES ('/' || $1::text, 1, 1, 0, $1)",
        {Value::of(std::string_view(state))});
  in_transaction(connection_, [&] { reset_photos(connection_, 16); });
  EXPECT_FALSE(has_vector_index(connection_));
  EXPECT_EQ(number("SELECT count(*) FROM e5v.files WHERE state = 'waiting'"), 2);
  EXPECT_EQ(number("SELECT count(*) FROM e5v.files"), 3);
}

}  // namespace
}  // namespace e5v::stores::postgres
