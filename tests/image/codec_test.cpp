#include "image/codec.h"

#include <gmock/gmock.h>

#include "image/cmyk.h"
#include "image_files.h"

namespace e5v::image {
namespace {

std::string size_problem(std::int64_t width, std::int64_t height) {
  try {
    allocate_bitmap(width, height, {{}, "test", 100}, "X");
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "no error";
}

TEST(Codec, SizesAreCheckedBeforeMemoryIsTaken) {
  EXPECT_EQ(size_problem(10, 10), "no error");
  EXPECT_EQ(size_problem(11, 10), "[test] X: expected at most 100 pixels, found 11x10");
  EXPECT_EQ(size_problem(0, 10), "[test] X: expected an image with pixels, found a size of 0x10");
  EXPECT_EQ(size_problem(-1, 10), "[test] X: expected an image with pixels, found a size of -1x10");
  // The product overflows no number.
  EXPECT_THAT(size_problem(std::int64_t{1} << 33, std::int64_t{1} << 33), testing::HasSubstr("expected an image"));
}

TEST(Codec, InksTakeLightAway) {
  EXPECT_EQ(through_ink(255, 0), 255);
  EXPECT_EQ(through_ink(255, 255), 0);
  EXPECT_EQ(through_ink(200, 127), 100);
  EXPECT_EQ(through_ink(0, 77), 0);
}

}  // namespace
}  // namespace e5v::image
