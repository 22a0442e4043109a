#include "library/thumbnails.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/file.h"
#include "image/decode.h"
#include "image/encode.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

image::Bitmap read_webp(const std::string& file) {
  EXPECT_EQ(file.substr(8, 4), "WEBP");
  return image::decode(std::as_bytes(std::span(file)), "thumbnail");
}

class ThumbnailsTest : public testing::Test {
 protected:
  /// A photo of these bytes, with a file of this name.
  Photo photo_of(const std::string& bytes, const std::string& name = "a.jpg") const {
    Photo photo;
    photo.hash = Hasher().add(bytes).digest();
    photo.paths = {photos_.write(name, bytes).string()};
    return photo;
  }
  /// A JPEG whose left half is white and whose right half is black, and whose EXIF says that it is to be turned.
  static std::string turned_jpeg() {
    image::Bitmap bitmap(400, 200);
    for (int y = 0; y < 200; ++y) std::fill_n(bitmap.row(y), 600, std::uint8_t{255});
    std::string file = image::encode_jpeg(bitmap, 90);
    const std::string exif("Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0", 32);
    std::string segment("\xFF\xE1\0\x22", 4);
    return file.insert(2, segment + exif);
  }

  test::TemporaryFolder library_, photos_;
  Thumbnails thumbnails_{library_.path()};
};

TEST_F(ThumbnailsTest, TheyAreUprightAndHaveTheLongestSide) {
  const Photo photo = photo_of(turned_jpeg());
  const image::Bitmap small = read_webp(thumbnails_.get(photo, ThumbnailSize::small));
  EXPECT_EQ(std::pair(small.width, small.height), std::pair(160, 320));
  EXPECT_GT(small.row(10)[0], 240);  // turned to the right: the left half is on top
  EXPECT_LT(small.row(310)[0], 15);
  const image::Bitmap large = read_webp(thumbnails_.get(photo, ThumbnailSize::large));
  EXPECT_EQ(std::pair(large.width, large.height), std::pair(200, 400));  // never larger than the photo
}

TEST_F(ThumbnailsTest, TheyAreKeptByContent) {
  const Photo photo = photo_of(turned_jpeg());
  const std::string first = thumbnails_.get(photo, ThumbnailSize::small);
  const std::string hash = photo.hash.hex();
  EXPECT_EQ(library_.read("thumbnails/" + hash.substr(0, 2) + "/" + hash + "-320.webp"), first);
  std::filesystem::remove(photo.paths[0]);
  EXPECT_EQ(thumbnails_.get(photo, ThumbnailSize::small), first);
  EXPECT_THAT([&] { thumbnails_.get(photo, ThumbnailSize::large); },
              ThrowsMessage<InvalidInput>(HasSubstr("no such file")));
}

TEST_F(ThumbnailsTest, WhatCannotBeKeptIsMadeEachTime) {
  const Photo photo = photo_of(turned_jpeg());
  library_.write("thumbnails", "a file where the folder should be");
  EXPECT_EQ(thumbnails_.get(photo, ThumbnailSize::small), thumbnails_.get(photo, ThumbnailSize::small));
}

TEST_F(ThumbnailsTest, BrokenPhotosHaveNone) {
  const Photo photo = photo_of("no image");
  EXPECT_THAT([&] { thumbnails_.get(photo, ThumbnailSize::small); }, ThrowsMessage<InvalidInput>(HasSubstr("a.jpg")));
  const image::Bitmap placeholder = read_webp(Thumbnails::placeholder());
  EXPECT_EQ(std::pair(placeholder.width, placeholder.height), std::pair(240, 180));
}

TEST_F(ThumbnailsTest, OnlyTheContentThatWasIndexedIsRead) {
  Photo photo = photo_of("one", "b.jpg");
  photo.paths.insert(photo.paths.begin(), photos_.write("a.jpg", "a secret in its place").string());
  EXPECT_EQ(read_photo(photo), "one");
  photos_.write("b.jpg", "two");
  EXPECT_THAT(
      [&] { read_photo(photo); },
      ThrowsMessage<InvalidInput>(HasSubstr("b.jpg] expected the file that was indexed, found another content")));
  photo.paths.clear();
  EXPECT_THAT([&] { read_photo(photo); }, ThrowsMessage<InvalidInput>(HasSubstr("knows no file")));
}

}  // namespace
}  // namespace e5v::library
