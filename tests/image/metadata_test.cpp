#include "image/metadata.h"

#include <gmock/gmock.h>

#include "image_files.h"
#include "webp_files.h"

namespace e5v::image {
namespace {

using test::bytes_of;
using test::png_chunk;
using namespace std::string_literals;

const std::string kExif = "Exif\0\0"s, kXmp = "http://ns.adobe.com/xap/1.0/\0"s;

std::string segment(int marker, const std::string& data) {
  return '\xFF' + std::string(1, static_cast<char>(marker)) +
         test::big_endian(static_cast<std::uint32_t>(data.size() + 2), 2) + data;
}
std::string app1(const std::string& data) { return segment(0xE1, data); }

/// A JPEG of such segments that has no pixels.
Metadata of_jpeg(const std::string& segments) { return jpeg_metadata(bytes_of("\xFF\xD8" + segments + "\xFF\xD9")); }

TEST(JpegMetadata, ExifSegmentsAreJoinedAndTheLastXmpCounts) {
  EXPECT_EQ(of_jpeg("").exif, std::nullopt);
  EXPECT_EQ(of_jpeg("").xmp, "");
  const Metadata found = of_jpeg(app1(kExif + "ab") + app1(kXmp + "<one>") + segment(0xFE, "a comment") +
                                 app1(kExif + "cd") + app1(kXmp + "<two>"));
  EXPECT_EQ(found.exif, kExif + "abcd");
  EXPECT_EQ(found.xmp, "<two>");
}

TEST(JpegMetadata, OtherSegmentsAreNotLookedAt) {
  EXPECT_EQ(of_jpeg(segment(0xE2, kExif + "ab")).exif, std::nullopt);
  EXPECT_EQ(of_jpeg(app1("http://ns.adobe.com/xmp/extension/\0<x>"s)).xmp, "");
  EXPECT_EQ(of_jpeg(segment(0xDA, "scan") + app1(kExif + "ab")).exif, std::nullopt) << "after the pixels' start";
  EXPECT_EQ(of_jpeg("\xFF\xD9" + app1(kExif + "ab")).exif, std::nullopt) << "after the end";
}

TEST(JpegMetadata, JunkBetweenSegmentsIsSkippedAndCutOnesAreAbsent) {
  EXPECT_EQ(of_jpeg("\xFF\xFF\0junk\xFF\xD0"s + app1(kExif + "ab")).exif, kExif + "ab");
  const std::string cut = "\xFF\xD8" + app1(kXmp + "<x>") + app1(kExif + "ab");
  EXPECT_EQ(jpeg_metadata(bytes_of(cut)).exif, kExif + "ab");
  const Metadata found = jpeg_metadata(bytes_of(cut).first(cut.size() - 1));
  EXPECT_EQ(found.exif, std::nullopt);
  EXPECT_EQ(found.xmp, "<x>");
  EXPECT_EQ(of_jpeg("\xFF\xE1\0\1"s + app1(kExif + "ab")).exif, std::nullopt) << "a length below its own";
}

/// A PNG with such chunks before its pixels.
Metadata of_png(const std::string& chunks) { return png_metadata(bytes_of(test::make_png({}, "\0abc"s, chunks))); }

std::string xmp_chunk(const std::string& text) { return png_chunk("iTXt", "XML:com.adobe.xmp\0\0\0\0\0"s + text); }
std::string profile_chunk(const std::string& text) { return png_chunk("tEXt", "Raw profile type exif\0"s + text); }

TEST(PngMetadata, ExifAndXmpHaveChunks) {
  EXPECT_EQ(of_png("").exif, std::nullopt);
  const Metadata found = of_png(png_chunk("eXIf", "ab") + xmp_chunk("<one>") + xmp_chunk("<two>"));
  EXPECT_EQ(found.exif, kExif + "ab");
  EXPECT_EQ(found.xmp, "<two>");
  EXPECT_EQ(of_png(xmp_chunk("<one>") + xmp_chunk("\xFF")).xmp, "<one>") << "what is no UTF-8 comes last";
  EXPECT_EQ(of_png(png_chunk("zTXt", "XML:com.adobe.xmp\0\0"s + test::zlib_compressed("<x>"))).xmp, "<x>");
}

TEST(PngMetadata, ProfilesAreHexadecimal) {
  EXPECT_EQ(of_png(profile_chunk("\nexif\n      4\n41 42\n4a4B")).exif, "ABJK");
  EXPECT_EQ(of_png(profile_chunk("\nexif\n      4\n41 4")).exif, "no TIFF") << "half a byte";
  EXPECT_EQ(of_png(profile_chunk("\nexif\n      4\n4x")).exif, "no TIFF");
  EXPECT_EQ(of_png(profile_chunk("no lines")).exif, "");
  EXPECT_EQ(of_png(png_chunk("eXIf", "ab") + profile_chunk("\nexif\n1\n41")).exif, kExif + "ab");
}

TEST(PngMetadata, WhatFollowsThePixelsCountsUntilTheEndOrTheNextFrame) {
  const std::string png = test::make_png({}, "\0abc"s), end = png_chunk("IEND", "");
  const std::string open = png.substr(0, png.size() - end.size());
  EXPECT_EQ(png_metadata(bytes_of(open + png_chunk("eXIf", "ab") + end)).exif, kExif + "ab");
  EXPECT_EQ(png_metadata(bytes_of(png + png_chunk("eXIf", "ab"))).exif, std::nullopt);
  const std::string frame = png_chunk("fcTL", ""), late = frame + xmp_chunk("<x>") + end;
  EXPECT_EQ(png_metadata(bytes_of(open + late)).xmp, "<x>") << "no animation";
  const std::string animated = test::make_png({}, "\0abc"s, png_chunk("acTL", "") + frame + xmp_chunk("<first>"));
  EXPECT_EQ(png_metadata(bytes_of(animated.substr(0, animated.size() - end.size()) + late)).xmp, "<first>");
}

TEST(WebpMetadata, IsReadWhereTheHeaderAnnouncesIt) {
  const auto of_webp = [](std::uint32_t flags) {
    return webp_metadata(bytes_of(test::webp_file(test::webp_header(flags, 2, 1) + test::webp_chunk(Bitmap(2, 1)) +
                                                  test::riff_chunk("EXIF", "abc") + test::riff_chunk("XMP ", "<x>"))));
  };
  EXPECT_EQ(of_webp(8 | 4).exif, "abc");
  EXPECT_EQ(of_webp(8 | 4).xmp, "<x>");
  EXPECT_EQ(of_webp(8).xmp, "");
  EXPECT_EQ(of_webp(4).exif, std::nullopt);
  EXPECT_EQ(webp_metadata(bytes_of(test::webp_file(""))).exif, std::nullopt) << "no image";
}

}  // namespace
}  // namespace e5v::image
