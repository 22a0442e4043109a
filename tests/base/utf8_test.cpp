#include "base/utf8.h"

#include <gtest/gtest.h>

namespace e5v {
namespace {

TEST(Utf8, EveryCodePointSurvivesTheRoundTrip) {
  for (char32_t value = 0; value <= 0x10FFFF; ++value) {
    if (value >= 0xD800 && value <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, value);
    const CodePoint point = code_point_at(text, 0);
    ASSERT_EQ(point.value, value);
    ASSERT_EQ(point.length, text.size());
    ASSERT_EQ(previous_code_point(text, text.size()), 0u);
    ASSERT_EQ(to_valid_utf8(text), text);
  }
}

// The examples of The Unicode Standard, section 3.9, tables 3-8 to 3-11.
TEST(Utf8, IllFormedPartsBecomeOneReplacementCharacterEach) {
  const std::string fffd = "\uFFFD";
  const auto repeated = [&](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += fffd;
    return text;
  };
  EXPECT_EQ(to_valid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), repeated(8) + "A");
  EXPECT_EQ(to_valid_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), repeated(8) + "A");
  EXPECT_EQ(to_valid_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), repeated(5) + "A" + repeated(2) + "B");
  EXPECT_EQ(to_valid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), repeated(4) + "A");
}

TEST(Utf8, WhiteSpaceIsSkippedInBothDirections) {
  const std::string text = "a \u00A0\u3000\tb";
  EXPECT_EQ(skip_white_space(text, 1), text.size() - 1);
  EXPECT_EQ(skip_white_space_back(text, text.size() - 1, 0), 1u);
  EXPECT_EQ(skip_white_space_back(text, text.size() - 1, 4), 4u);
  EXPECT_FALSE(is_white_space(0x180E));  // was one until Unicode 6.3
  EXPECT_FALSE(is_white_space(0xFEFF));
  EXPECT_FALSE(is_white_space(0x1C));
  EXPECT_TRUE(is_python_white_space(0x1C));
}

TEST(Utf8, ReplaceAllGoesLeftToRight) {
  EXPECT_EQ(replace_all("aaaXaa", "aa", "b"), "baXb");
  EXPECT_EQ(replace_all("", "a", "b"), "");
}

}  // namespace
}  // namespace e5v
