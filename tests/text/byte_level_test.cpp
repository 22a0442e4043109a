#include "text/byte_level.h"

#include <gtest/gtest.h>

namespace e5v::text {
namespace {

TEST(ByteLevel, EveryByteHasACharacterOfItsOwn) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  EXPECT_EQ(from_byte_level(to_byte_level(bytes)), bytes);
  EXPECT_EQ(to_byte_level(" a\n\xC3\xA9"), "ĠaĊÃ©");
  EXPECT_EQ(from_byte_level("a b"), std::nullopt);
}

}  // namespace
}  // namespace e5v::text
