#include "base/ascii.h"

#include <gtest/gtest.h>

namespace e5v {
namespace {

TEST(Ascii, OnlyItsLettersHaveALowerCase) {
  EXPECT_EQ(ascii_lower('A'), 'a');
  EXPECT_EQ(ascii_lower('Z'), 'z');
  EXPECT_EQ(ascii_lower("@AZ[`az{ \xC3\x84"), "@az[`az{ \xC3\x84");
}

TEST(Ascii, TextsAreEqualIfOnlyTheirCaseDiffers) {
  EXPECT_TRUE(equals_ignoring_case("Content-Type", "CONTENT-type"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("content", "content-type"));
  EXPECT_FALSE(equals_ignoring_case("\xC3\x84", "\xC3\xA4"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
}

TEST(Ascii, APrefixMayHaveAnyCase) {
  EXPECT_TRUE(starts_with_ignoring_case("BEARER key", "bearer "));
  EXPECT_TRUE(starts_with_ignoring_case("data:", "Data:"));
  EXPECT_TRUE(starts_with_ignoring_case("", ""));
  EXPECT_FALSE(starts_with_ignoring_case("dat", "data:"));
  EXPECT_FALSE(starts_with_ignoring_case("xdata:", "data:"));
}

}  // namespace
}  // namespace e5v
