#include "base/base64.h"

#include <gtest/gtest.h>

#include <random>

namespace e5v {
namespace {

// The test vectors of RFC 4648, section 10.
TEST(Base64, HasTheVectorsOfItsRfc) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, AllBytesComeBack) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    ASSERT_EQ(from_base64(to_base64(bytes)), bytes);
  }
}

TEST(Base64, BlanksAMissingPaddingAndTheUrlsDigitsAreRead) {
  EXPECT_EQ(from_base64(" Zm9v\r\nYg\t== \n"), "foob");
  EXPECT_EQ(from_base64("Zm9vYg"), "foob");
  EXPECT_EQ(from_base64("-_8="), "\xfb\xff");
  EXPECT_EQ(from_base64("+/8="), "\xfb\xff");
}

TEST(Base64, AnythingElseIsNone) {
  for (const char* text : {"Zm9v!", "Z", "Zm9vY", "Zg==Zg", "Zg=x", "Zm\x80v"}) EXPECT_FALSE(from_base64(text)) << text;
}

}  // namespace
}  // namespace e5v
