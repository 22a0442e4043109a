#include "image/exif.h"

#include <gtest/gtest.h>

#include <bit>

#include "image_files.h"

// What Pillow reads; tests/image/pillow_test compares whole files with it.

namespace e5v::image {
namespace {

using test::bytes_of;
using test::exif_block;
using test::little_endian;

constexpr std::uint32_t kOrientation = 274, kWidth = 256;

struct Entry {
  std::uint32_t tag, type, count;
  std::string value;  ///< four bytes of it, or its offset
};

/// A TIFF block, low bytes first, with one directory. Data after it begin at byte 14 + 12 for each entry.
std::string tiff(const std::vector<Entry>& entries, const std::string& data = "") {
  std::string block = "II" + little_endian(42, 2) + little_endian(8, 4);
  block += little_endian(static_cast<std::uint32_t>(entries.size()), 2);
  for (const Entry& entry : entries)
    block += little_endian(entry.tag, 2) + little_endian(entry.type, 2) + little_endian(entry.count, 4) + entry.value;
  return block + little_endian(0, 4) + data;
}

std::optional<int> orientation(const std::string& block) { return exif_orientation(bytes_of(block)); }

/// The orientation as a value of a type: of at most four bytes, in its entry; of eight, after the directory.
std::optional<int> orientation_as(std::uint32_t type, std::string value) {
  if (value.size() > 4) return orientation(tiff({{kOrientation, type, 1, little_endian(26, 4)}}, value));
  value.resize(4, '\0');
  return orientation(tiff({{kOrientation, type, 1, value}}));
}

std::string bits_of(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return little_endian(static_cast<std::uint32_t>(bits), 4) + little_endian(static_cast<std::uint32_t>(bits >> 32), 4);
}

TEST(Exif, IsReadInEitherByteOrderWithAndWithoutItsHeader) {
  for (std::uint32_t value = 1; value <= 8; ++value)
    for (const bool big : {false, true})
      for (const bool header : {false, true})
        EXPECT_EQ(orientation(exif_block(value, big, header)), static_cast<int>(value)) << big << header;
  const std::string header("Exif\0\0", 6);
  EXPECT_EQ(orientation(header + exif_block(6, true)), 6) << "two headers";
  EXPECT_EQ(orientation(header + header + exif_block(6, true)), 1) << "three are none";
}

TEST(Exif, AnyTypeOfNumberIsTaken) {
  const std::uint32_t float_bits = std::bit_cast<std::uint32_t>(6.0f);
  EXPECT_EQ(orientation_as(3, little_endian(6, 2)), 6) << "SHORT";
  EXPECT_EQ(orientation_as(4, little_endian(6, 4)), 6) << "LONG";
  EXPECT_EQ(orientation_as(5, little_endian(12, 4) + little_endian(2, 4)), 6) << "RATIONAL";
  EXPECT_EQ(orientation_as(6, little_endian(6, 1)), 6) << "SBYTE";
  EXPECT_EQ(orientation_as(8, little_endian(6, 2)), 6) << "SSHORT";
  EXPECT_EQ(orientation_as(9, little_endian(6, 4)), 6) << "SLONG";
  EXPECT_EQ(orientation_as(10, little_endian(0u - 12, 4) + little_endian(0u - 2, 4)), 6) << "SRATIONAL";
  EXPECT_EQ(orientation_as(11, little_endian(float_bits, 4)), 6) << "FLOAT";
  EXPECT_EQ(orientation_as(12, bits_of(6)), 6) << "DOUBLE";
  EXPECT_EQ(orientation_as(13, little_endian(6, 4)), 6) << "IFD";
  EXPECT_EQ(orientation_as(16, little_endian(6, 4) + little_endian(0, 4)), 6) << "LONG8";
}

TEST(Exif, WhatIsNoOrientationMeansUpright) {
  EXPECT_EQ(orientation_as(1, little_endian(6, 1)), 1) << "BYTE";
  EXPECT_EQ(orientation_as(2, "6"), 1) << "ASCII";
  EXPECT_EQ(orientation_as(7, little_endian(6, 1)), 1) << "UNDEFINED";
  EXPECT_EQ(orientation_as(12, bits_of(6.5)), 1);
  EXPECT_EQ(orientation_as(5, little_endian(6, 4) + little_endian(0, 4)), 1);
  EXPECT_EQ(orientation_as(9, little_endian(0u - 6, 4)), 1);
}

TEST(Exif, ABlockThatDoesNotMentionItSaysNothing) {
  const std::string six = little_endian(6, 4);
  EXPECT_EQ(orientation(tiff({})), std::nullopt);
  EXPECT_EQ(orientation(tiff({{kWidth, 4, 1, six}})), std::nullopt);
  EXPECT_EQ(orientation(tiff({{kOrientation, 3, 0, six}})), std::nullopt) << "no value";
  EXPECT_EQ(orientation(tiff({{kOrientation, 99, 1, six}})), std::nullopt) << "an unknown type";
  EXPECT_EQ(orientation(tiff({{kWidth, 4, 1, six}, {kOrientation, 3, 1, six}})), 6);
}

TEST(Exif, AValueOutsideOfTheFileEndsTheReading) {
  const Entry sideways{kOrientation, 3, 1, little_endian(6, 4)};
  EXPECT_EQ(orientation(tiff({{kWidth, 4, 2, little_endian(1000, 4)}, sideways})), std::nullopt);
  EXPECT_EQ(orientation(tiff({{kWidth, 4, 0x10000000, little_endian(1000, 4)}, sideways})), 6)
      << "one that is larger than the file is left out";
}

TEST(Exif, TheBytesOfTheMagicNumberMayBeSwapped) {
  std::string block = exif_block(6, false, false);
  std::swap(block[2], block[3]);
  EXPECT_EQ(orientation(block), 6);
}

TEST(Exif, BrokenBlocksMeanUpright) {
  EXPECT_EQ(exif_orientation({}), std::nullopt);
  for (const bool big : {false, true}) {
    const std::string block = exif_block(6, big);
    for (std::size_t size = 1; size < 28; ++size) {
      const auto found = exif_orientation(bytes_of(std::string_view(block).substr(0, size)));
      EXPECT_NE(found.value_or(1), 6) << size;
    }
    EXPECT_EQ(exif_orientation(bytes_of(exif_block(0, big))), 1);
    EXPECT_EQ(exif_orientation(bytes_of(exif_block(9, big))), 1);
  }
  std::string magic = exif_block(6, false);
  magic[8] = 43;
  EXPECT_EQ(exif_orientation(bytes_of(magic)), 1);
  std::string far = exif_block(6, false);
  far.replace(10, 4, "\xFF\xFF\xFF\xFF");  // the directory lies outside
  EXPECT_EQ(exif_orientation(bytes_of(far)), std::nullopt);
  std::string many = exif_block(6, false);
  many.replace(14, 2, "\xFF\xFF");  // more entries than bytes: those that are there count
  EXPECT_EQ(exif_orientation(bytes_of(many)), 6);
}

}  // namespace
}  // namespace e5v::image
