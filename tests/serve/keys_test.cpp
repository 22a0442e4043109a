#include "serve/keys.h"

#include <gmock/gmock.h>

#include <ctime>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class KeyFile : public testing::Test {
 protected:
  Keys keys(const std::string& content) {
    folder_.write("keys", content);
    return Keys(folder_.path() / "keys");
  }
  test::TemporaryFolder folder_;
};

TEST(Keys, WithoutAnyNobodyNeedsOne) {
  const Keys keys;
  EXPECT_TRUE(keys.empty());
  EXPECT_FALSE(keys.find(""));
}

TEST_F(KeyFile, HasNamesAndSecrets) {
  folder_.write("keys", "# of the shop\n\nshop  s3cret \r\nlonely\n");
  const Keys keys(folder_.path() / "keys", {{"fixed", "f"}});
  EXPECT_FALSE(keys.empty());
  EXPECT_EQ(keys.find("s3cret"), "shop");
  EXPECT_EQ(keys.find("lonely"), "key-2");
  EXPECT_EQ(keys.find("f"), "fixed");
  for (const char* wrong : {"", "s", "s3cre", "s3creT", "s3cretx", "S3cret", "shop", "#"})
    EXPECT_FALSE(keys.find(wrong)) << wrong;
}

TEST(Keys, ALongSecretIsNotComparedWithEachOfMany) {
  std::vector<Keys::Key> many;
  for (int i = 0; i < 10'000; ++i) many.push_back({"name", fmt::format("secret {}", i)});
  const Keys keys({}, many);
  const std::string secret(30'000, 'x');
  const std::clock_t begin = std::clock();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(keys.find(secret));
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 0.5);  // of the processor, not of the clock
}

TEST_F(KeyFile, IsReadAgain) {
  folder_.write("keys", "a old");
  Keys keys(folder_.path() / "keys");
  folder_.write("keys", "a new");
  keys.reload();
  EXPECT_FALSE(keys.find("old"));
  EXPECT_EQ(keys.find("new"), "a");
}

TEST_F(KeyFile, OneThatIsWrongLeavesTheOldKeys) {
  folder_.write("keys", "a old");
  Keys keys(folder_.path() / "keys");
  folder_.write("keys", "# none\n");
  EXPECT_THAT([&] { keys.reload(); },
              ThrowsMessage<InvalidInput>(HasSubstr("expected a key on each line, found none")));
  EXPECT_EQ(keys.find("old"), "a");
  EXPECT_THROW(Keys(folder_.path() / "missing"), InvalidInput);
}

}  // namespace
}  // namespace e5v::serve
