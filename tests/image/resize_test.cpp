#include "image/resize.h"

#include <gmock/gmock.h>

#include <cstring>

#include "base/error.h"
#include "base/parallel.h"
#include "image_files.h"

namespace e5v::image {
namespace {

/// The u8 images of a safetensors file: an 8-byte length, a JSON header, the data.
class StoredImages {
 public:
  explicit StoredImages(const std::string& name) : file_(read_file(e5v::test::golden(name))) {
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
  const StoredImages images("preprocess/pil_resize.safetensors");
  for (int i = 0; i < 10; ++i) {
    const std::string name = fmt::format("case{}", i);
    SCOPED_TRACE(name);
    const Bitmap in = images[name + ".in"];
    const Bitmap bicubic = images[name + ".bicubic"], bilinear = images[name + ".bilinear"];
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

/// The part of an image, cut out of it.
std::vector<std::uint8_t> cut(const Bitmap& bitmap, const Part& part) {
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < part.height; ++y) {
    const std::uint8_t* row = bitmap.row(static_cast<int>(part.top) + y) + 3 * part.left;
    pixels.insert(pixels.end(), row, row + 3 * part.width);
  }
  return pixels;
}

TEST(Resize, APartIsThatOfTheWhole) {
  const Bitmap in = test::decode_text(test::golden_image("img02_tall_200x901.jpg"));
  for (const Filter filter : {Filter::bilinear, Filter::bicubic}) {
    for (const auto& [width, height] : {std::pair{50, 60}, {333, 1200}, {200, 90}, {77, 901}, {200, 901}}) {
      const Bitmap whole = resize(in, width, height, filter);
      for (const Part& part : {Part{0, 0, width, height}, Part{0, 7, width, 20}, Part{11, 0, 30, height},
                               Part{width - 5, height - 1, 5, 1}, Part{3, 20, 40, 31}}) {
        const Bitmap found = resize_part(in, {width, height}, part, filter);
        EXPECT_EQ(found.pixels, cut(whole, part)) << width << "x" << height << " at " << part.left << ", " << part.top;
      }
    }
  }
}

TEST(Resize, RefusesPartsThatAreNotInside) {
  const Bitmap in(4, 4);
  for (const Part& part : {Part{-1, 0, 2, 2}, Part{0, -1, 2, 2}, Part{7, 0, 2, 2}, Part{0, 7, 2, 2}, Part{0, 0, 0, 2}})
    EXPECT_THROW(resize_part(in, {8, 8}, part, Filter::bicubic), InvalidInput);
  EXPECT_THAT(
      [&] {
        resize_part(in, {8, 9}, {2, 3, 7, 1}, Filter::bicubic);
      },
      testing::ThrowsMessage<InvalidInput>("[resize] expected a part of 8x9 pixels, found 7x1 at 2, 3"));
}

TEST(Resize, RefusesEmptySizes) {
  EXPECT_THROW(resize_bicubic(Bitmap(2, 2), 0, 3), InvalidInput);
  EXPECT_THROW(resize_bicubic(Bitmap(2, 2), 3, -1), InvalidInput);
  EXPECT_THROW(resize_bicubic(Bitmap(), 3, 3), InvalidInput);
}

}  // namespace
}  // namespace e5v::image
