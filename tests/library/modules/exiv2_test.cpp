#include <gmock/gmock.h>

#include <atomic>
#include <exiv2/exiv2.hpp>
#include <thread>

#include "base/file.h"
#include "image/encode.h"
#include "library/metadata.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Optional;

class Exiv2Test : public testing::Test {
 protected:
  /// A JPEG of 8 x 6 pixels whose metadata `set` writes with Exiv2.
  static std::string jpeg(const std::function<void(Exiv2::Image&)>& set) {
    const std::string plain = image::encode_jpeg(image::Bitmap(8, 6), 90);
    const auto image =
        Exiv2::ImageFactory::open(reinterpret_cast<const Exiv2::byte*>(plain.data()), static_cast<long>(plain.size()));
    image->readMetadata();
    set(*image);
    image->writeMetadata();
    Exiv2::BasicIo& io = image->io();
    std::string bytes(io.size(), '\0');
    io.open();
    io.read(reinterpret_cast<Exiv2::byte*>(bytes.data()), static_cast<long>(bytes.size()));
    return bytes;
  }
  static Metadata read(const std::string& file) { return read_metadata(std::as_bytes(std::span(file))); }
};

TEST_F(Exiv2Test, ExifOfACameraIsRead) {
  const Metadata metadata = read(jpeg([](Exiv2::Image& image) {
    Exiv2::ExifData& exif = image.exifData();
    exif["Exif.Image.Make"] = "NIKON CORPORATION";
    exif["Exif.Image.Model"] = "NIKON D70  ";
    exif["Exif.Photo.LensModel"] = "18-70mm f/3.5-4.5";
    exif["Exif.Image.DateTime"] = "2021:01:01 00:00:00";
    exif["Exif.Photo.DateTimeOriginal"] = "2019:07:14 12:33:10";
    exif["Exif.GPSInfo.GPSLatitude"] = "33/1 51/1 2520/100";
    exif["Exif.GPSInfo.GPSLatitudeRef"] = "S";
    exif["Exif.GPSInfo.GPSLongitude"] = "151/1 12/1 36/1";
    exif["Exif.GPSInfo.GPSLongitudeRef"] = "E";
    exif["Exif.Image.Orientation"] = std::uint16_t{6};
    exif["Exif.Image.Rating"] = std::uint16_t{4};
    exif["Exif.Image.ImageDescription"] = "a ferry";
  }));
  EXPECT_EQ(metadata.width, 6) << "upright";
  EXPECT_EQ(metadata.height, 8);
  EXPECT_EQ(metadata.orientation, 6);
  EXPECT_EQ(metadata.camera, "NIKON D70");
  EXPECT_EQ(metadata.lens, "18-70mm f/3.5-4.5");
  EXPECT_EQ(metadata.taken, "2019-07-14T12:33:10");
  EXPECT_THAT(metadata.latitude, Optional(DoubleNear(-33.857, 1e-6)));
  EXPECT_THAT(metadata.longitude, Optional(DoubleNear(151.21, 1e-6)));
  EXPECT_EQ(metadata.rating, 4);
  EXPECT_EQ(metadata.caption, "a ferry");
}

TEST_F(Exiv2Test, XmpComesBeforeIptcAndExifAndKeywordsAreThoseOfAll) {
  const Metadata metadata = read(jpeg([](Exiv2::Image& image) {
    image.exifData()["Exif.Image.ImageDescription"] = "of EXIF";
    image.exifData()["Exif.Image.Rating"] = std::uint16_t{1};
    image.iptcData()["Iptc.Application2.Caption"] = "of IPTC";
    image.iptcData()["Iptc.Application2.Keywords"] = "sea";
    image.xmpData()["Xmp.dc.description"] = "of XMP";
    image.xmpData()["Xmp.xmp.Rating"] = "5";
    image.xmpData()["Xmp.dc.subject"] = "sea";
    image.xmpData()["Xmp.dc.subject"] = "night\nsky";
    image.xmpData()["Xmp.photoshop.DateCreated"] = "2018-02-03";
  }));
  EXPECT_EQ(metadata.caption, "of XMP");
  EXPECT_EQ(metadata.rating, 5);
  EXPECT_THAT(metadata.keywords, ElementsAre("sea", "night sky"));
  EXPECT_EQ(metadata.taken, "2018-02-03T00:00:00");
}

TEST_F(Exiv2Test, WithoutMetadataOnlyTheSizeIsKnown) {
  const std::string plain = image::encode_png(image::Bitmap(8, 6));
  Metadata expected;
  expected.width = 8;
  expected.height = 6;
  EXPECT_EQ(read(plain), expected);
}

TEST_F(Exiv2Test, AnyThreadMayRead) {
  const std::string file = jpeg([](Exiv2::Image& image) { image.xmpData()["Xmp.xmp.Rating"] = "5"; });
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) right += read(file).rating == 5 ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 200);
}

TEST_F(Exiv2Test, BrokenMetadataCountsAsAbsent) {
  EXPECT_EQ(read(""), Metadata());
  EXPECT_EQ(read("no image at all"), Metadata());
  const std::string whole = jpeg([](Exiv2::Image& image) {
    image.exifData()["Exif.Image.Model"] = "X100";
    image.exifData()["Exif.Image.Orientation"] = std::uint16_t{9};
    image.exifData()["Exif.GPSInfo.GPSLatitude"] = "200/1 0/0 1/1";
    image.exifData()["Exif.Photo.DateTimeOriginal"] = "0000:00:00 00:00:00";
    image.xmpData()["Xmp.xmp.Rating"] = "many";
  });
  const Metadata metadata = read(whole);
  EXPECT_EQ(metadata.camera, "X100");
  EXPECT_EQ(metadata.orientation, 1);
  EXPECT_EQ(metadata.latitude, std::nullopt);
  EXPECT_EQ(metadata.taken, "");
  for (std::size_t size = 0; size < whole.size(); size += 7) read(whole.substr(0, size));  // must end, without a throw
}

TEST_F(Exiv2Test, TextsAreValidAndOfLimitedLength) {
  const Metadata metadata = read(jpeg([](Exiv2::Image& image) {
    image.exifData()["Exif.Image.Model"] = "caf\xE9";
    std::string caption;
    while (caption.size() < kMaxCaptionBytes + 2) caption += "\xC3\xA9";
    image.exifData()["Exif.Image.ImageDescription"] = caption;
  }));
  EXPECT_EQ(metadata.camera, "caf\xEF\xBF\xBD");
  EXPECT_EQ(metadata.caption.size(), kMaxCaptionBytes);
  EXPECT_TRUE(is_valid_utf8(metadata.caption));
}

}  // namespace
}  // namespace e5v::library
