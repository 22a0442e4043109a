#include "library/image_file.h"

#include <gtest/gtest.h>

namespace e5v::library {
namespace {

TEST(ImageFile, SuffixesOfImagesCountInBothCases) {
  for (const char* name : {"a.jpg", "a.JPEG", "/b/c.d/a.Png", "a.webp"}) EXPECT_TRUE(has_image_suffix(name)) << name;
  for (const char* name : {"a.txt", "jpg", ".jpg", "a.jpg.xmp", "a.jpg~", ""})
    EXPECT_FALSE(has_image_suffix(name)) << name;
}

}  // namespace
}  // namespace e5v::library
