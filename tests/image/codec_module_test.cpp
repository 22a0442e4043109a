#include "image/codec_module.h"

#include <gmock/gmock.h>

#include "format_files.h"

namespace e5v::image {
namespace {

using testing::HasSubstr;

template <class Open>
std::string module_problem(const Open& open) {
  try {
    open();
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "no error";
}

TEST(CodecModule, IsLoadedOnce) {
  EXPECT_EQ(&module_codec("tiff", "TIFF", "test"), &module_codec("tiff", "TIFF", "test"));
  EXPECT_NE(&module_codec("tiff", "TIFF", "test"), &module_codec("avif", "AVIF", "test"));
}

TEST(CodecModule, AMissingOneIsNamed) {
  EXPECT_EQ(module_problem([] { module_codec("jxl", "JPEG XL", "a.jxl"); }),
            "[a.jxl] JPEG XL: this build cannot decode it, because its library was not found at configuration; convert "
            "the image to JPEG or PNG");
  const std::string problem = module_problem([] { open_codec("e5v_none.so", "TIFF", "a.tif"); });
  EXPECT_THAT(problem, HasSubstr("[a.tif] TIFF: the decoder e5v_none.so cannot be loaded: e5v_none.so: cannot open"));
  EXPECT_THAT(problem, HasSubstr("; convert the image to JPEG or PNG"));
}

TEST(CodecModule, AnotherLibraryIsNoModule) {
  EXPECT_EQ(module_problem([] { open_codec("libz.so.1", "TIFF", "a.tif"); }),
            "[a.tif] TIFF: the decoder libz.so.1 has another version; convert the image to JPEG or PNG");
}

}  // namespace
}  // namespace e5v::image
