#include "stores/postgres/connection.h"

#include "stores/stored_photos.h"

namespace e5v::stores::postgres {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing::ThrowsMessage;

TEST(ConnectionTest, ValuesAreWrittenAsTheServerReadsThem) {
  EXPECT_EQ(Value::of(std::int64_t{-7}).bytes, "-7");
  EXPECT_EQ(Value::of(0.1).bytes, "0.1");
  EXPECT_EQ(Value().bytes, std::nullopt);
  EXPECT_EQ(Value::of_list(std::vector<std::string>{"a", "b,\"c\\"}).bytes, R"({"a","b,\"c\\"})");
  const Value vector = Value::of_vector(std::vector<float>{1, -2});
  EXPECT_TRUE(vector.is_binary);
  EXPECT_EQ(vector.bytes, "\0\2\0\0\x3c\0\xc0\0"s);
}

TEST(ConnectionTest, AServerThatIsNotThereIsNamedWithoutThePassword) {
  const auto open = [](const char* url) { return [url] { Connection connection{StoreUrl(url)}; }; };
  EXPECT_THAT(open("postgresql://me:secret@127.0.0.1:1/photos"),
              ThrowsMessage<InvalidInput>(
                  AllOf(StartsWith("[postgresql://me:***@127.0.0.1:1/photos] cannot be opened: "),
                        HasSubstr("Connection refused"), Not(HasSubstr("secret")), Not(HasSubstr("\n")))));
  EXPECT_THAT(open("postgresql://me:secret@127.0.0.1:port/photos?password=other"),
              ThrowsMessage<InvalidInput>(AllOf(HasSubstr("invalid integer value"), Not(HasSubstr("secret")))));
  EXPECT_THAT(open("postgresql://me:secret@[::1/photos"),
              ThrowsMessage<InvalidInput>(AllOf(HasSubstr("cannot be opened"), Not(HasSubstr("secret")))));
}

}  // namespace
}  // namespace e5v::stores::postgres
