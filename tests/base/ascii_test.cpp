#include "base/ascii.h"

#include <gtest/gtest.h>

namespace e5v {
namespace {

TEST(Ascii, OnlyAsciiLettersHaveALowerCase) {
  EXPECT_EQ(ascii_lower("AZaz09[@\xc3\x84"), "azaz09[@\xc3\x84");
  EXPECT_EQ(ascii_lower(std::string()), "");
}

TEST(Ascii, TextsAreComparedIgnoringCase) {
  EXPECT_TRUE(same_ignoring_case("Content-Type", "content-TYPE"));
  EXPECT_FALSE(same_ignoring_case("content", "content-type"));
  EXPECT_FALSE(same_ignoring_case("[", "{"));
  EXPECT_TRUE(starts_with_ignoring_case("Bearer KEY", "bearer "));
  EXPECT_TRUE(starts_with_ignoring_case("x", ""));
  EXPECT_FALSE(starts_with_ignoring_case("Bear", "bearer"));
}

}  // namespace
}  // namespace e5v
