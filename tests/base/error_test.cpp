#include "base/error.h"

#include <gmock/gmock.h>

namespace e5v::test {
namespace {

std::string shown(std::string_view text, std::size_t most = 200) { return fmt::format("{}", in_quotes(text, most)); }

TEST(Quoted, IsOnePrintableLine) {
  EXPECT_EQ(shown("caf\u00e9"), "\"caf\u00e9\"");
  EXPECT_EQ(shown(""), "\"\"");
  EXPECT_EQ(shown("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(shown("a\nb\x7f"), R"("a\x0ab\x7f")");
  EXPECT_EQ(shown("a\xffz"), R"("a\xffz")");
  EXPECT_EQ(shown("\xe2\x82"), R"("\xe2\x82")");
}

TEST(Quoted, IsCutBetweenCharacters) {
  EXPECT_EQ(shown("abcdef", 3), "\"abc...\"");
  EXPECT_EQ(shown("abc", 3), "\"abc\"");
  EXPECT_EQ(shown("ab\u20ac", 4), "\"ab...\"");
}

TEST(Require, MakesItsMessageOnlyWhenItThrows) {
  require(true, "{}", in_quotes("never"));
  try {
    require<ModelError>(false, "[{}] {} is bad", "file", in_quotes("x"));
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_STREQ(error.what(), "[file] \"x\" is bad");
  }
}

}  // namespace
}  // namespace e5v::test
