#include "image/resize.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "base/parallel.h"
#include "image_files.h"

namespace e5v::image {
namespace {

/// The u8 pictures of a safetensors file: an 8-byte length, a JSON header, the data.
class Pictures {
 public:
  explicit Pictures(const std::string& name) : file_(read_file(test::golden(name))) {
    std::uint64_t size = 0;
    std::memcpy(&size, file_.data(), sizeof size);
    header_ = parse_json(std::string_view(file_).substr(8, size), name);
    data_ = 8 + size;
  }

  Bitmap operator[](const std::string& name) const {
    const Json& entry = header_.at(name);
    Bitmap bitmap(entry["shape"][1], entry["shape"][0]);
    std::memcpy(bitmap.pixels.data(), file_.data() + data_ + entry["data_offsets"][0].get<std::size_t>(),
                bitmap.pixels.size());
    return bitmap;
  }

 private:
  std::string file_;
  Json header_;
  std::size_t data_ = 0;
};

TEST(Resize, IsPillowsByteForByte) {
  const Pictures pictures("preprocess/pil_resize.safetensors");
  for (int i = 0; i < 10; ++i) {
    const std::string name = fmt::format("case{}", i);
    SCOPED_TRACE(name);
    const Bitmap in = pictures[name + ".in"];
    const Bitmap bicubic = pictures[name + ".bicubic"], bilinear = pictures[name + ".bilinear"];
    EXPECT_EQ(resize_bicubic(in, bicubic.width, bicubic.height).pixels, bicubic.pixels);
    EXPECT_EQ(resize(in, bilinear.width, bilinear.height, Filter::bilinear).pixels, bilinear.pixels);
  }
}

TEST(Resize, DoesNotDependOnTheThreads) {
  const Bitmap in = test::decode_text(test::golden_image("img02_tall_200x901.jpg"));
  const int before = thread_count();
  set_thread_count(1);
  const Bitmap one = resize_bicubic(in, 333, 444);
  set_thread_count(3);
  const Bitmap three = resize_bicubic(in, 333, 444);
  set_thread_count(before);
  EXPECT_EQ(one.pixels, three.pixels);
}

TEST(Resize, KeepsAFlatColourAndTheSameSize) {
  Bitmap flat(7, 5);
  std::fill(flat.pixels.begin(), flat.pixels.end(), std::uint8_t{201});
  for (const auto& [width, height] : {std::pair{1, 1}, {700, 3}, {2, 500}})
    for (const std::uint8_t value : resize_bicubic(flat, width, height).pixels) ASSERT_EQ(value, 201);
  EXPECT_EQ(resize_bicubic(flat, 7, 5).pixels, flat.pixels);
}

TEST(Resize, RefusesEmptySizes) {
  EXPECT_THROW(resize_bicubic(Bitmap(2, 2), 0, 3), InvalidInput);
  EXPECT_THROW(resize_bicubic(Bitmap(2, 2), 3, -1), InvalidInput);
  EXPECT_THROW(resize_bicubic(Bitmap(), 3, 3), InvalidInput);
}

}  // namespace
}  // namespace e5v::image
