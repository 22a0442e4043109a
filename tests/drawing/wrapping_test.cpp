#include "drawing/wrapping.h"

#include <gmock/gmock.h>

#include <string>

namespace e5v::drawing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Lines of at most so many characters.
std::vector<std::u32string> wrapped(std::string_view text, std::size_t most) {
  return wrap(text, [&](std::u32string_view line) { return line.size() <= most; });
}

TEST(Wrapping, ABlankFollowsEachWordAndNeedNotFit) {
  EXPECT_THAT(wrapped("ab cd ef", 5), ElementsAre(U"ab cd ", U"ef "));
  EXPECT_THAT(wrapped("ab cd ef", 8), ElementsAre(U"ab cd ef "));
  EXPECT_THAT(wrapped("ab cd ef", 2), ElementsAre(U"ab ", U"cd ", U"ef "));
}

TEST(Wrapping, WhiteSpaceIsPythons) {
  EXPECT_THAT(wrapped("\n a\tb\r\n\n c\v\fd\x1C"
                      "e\xC2\xA0"
                      "f\xE3\x80\x80g \xE2\x80\xA8h\xC2\x85i  ",
                      99),
              ElementsAre(U"a b c d e f g h i "));
  // No white space there: the zero-width space, and what once was some.
  EXPECT_THAT(wrapped("a\xE2\x80\x8B"
                      "b\xE1\xA0\x8E"
                      "c",
                      99),
              ElementsAre(U"a\u200Bb\u180Ec "));
  EXPECT_THAT(wrapped("", 99), IsEmpty());
  EXPECT_THAT(wrapped(" \n\t ", 99), IsEmpty());
}

TEST(Wrapping, AWordThatDoesNotFitIsCut) {
  EXPECT_THAT(wrapped("ab cdefghijk lm", 4), ElementsAre(U"ab ", U"cdef", U"ghij", U"k lm "));
  EXPECT_THAT(wrapped("äöüß€😀", 2), ElementsAre(U"äö", U"üß", U"€😀 "));
  const std::string word(37, 'x');
  std::u32string expected(38, U'x');
  expected.back() = U' ';
  for (std::size_t most = 1; most < 40; ++most) {
    std::u32string joined;
    const std::vector<std::u32string> lines = wrapped(word, most);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_TRUE(i + 1 == lines.size() || lines[i].size() == most) << most;
      joined += lines[i];
    }
    EXPECT_EQ(joined, expected) << most;
  }
}

TEST(Wrapping, EvenWhereNothingFitsItEnds) { EXPECT_THAT(wrapped("abc d", 0), ElementsAre(U"a", U"b", U"c", U"d")); }

TEST(Wrapping, LongWordsCostNoMoreThanTheirPieces) {
  const std::string word(100000, 'x');
  std::size_t asked = 0;
  const auto lines = wrap(word, [&](std::u32string_view line) {
    asked += line.size();
    return line.size() <= 40;
  });
  EXPECT_EQ(lines.size(), 2500u);
  EXPECT_LT(asked, 2 * word.size() + lines.size() * 400);
}

}  // namespace
}  // namespace e5v::drawing
