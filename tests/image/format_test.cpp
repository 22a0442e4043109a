#include "image/format.h"

#include <gmock/gmock.h>

#include <set>

#include "format_files.h"

namespace e5v::image {
namespace {

using namespace std::string_literals;

std::string name_of(const std::string& file) {
  const Format* format = format_of(file);
  return format == nullptr ? "none" : std::string(format->name);
}

/// The box with which files of the family of MP4 begin.
std::string brands(const std::string& list) {
  return test::big_endian(static_cast<std::uint32_t>(12 + list.size()), 4) + "ftyp" + list.substr(0, 4) + "\0\0\0\0"s +
         list.substr(4) + "mdat";
}

TEST(Format, IsToldByTheFirstBytes) {
  EXPECT_EQ(name_of("GIF87a"), "GIF");
  EXPECT_EQ(name_of("GIF89a"), "GIF");
  EXPECT_EQ(name_of("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"s), "BMP");
  EXPECT_EQ(name_of("BM is the code of Bermuda"), "none");
  for (const std::string& start : {"II*\0\x08\0\0\0"s, "MM\0*\0\0\0\x08"s, "II+\0"s, "MM\0+"s})
    EXPECT_EQ(name_of(start), "TIFF");
  for (const char* heic : {"heic", "heix", "mif1heic", "msf1hevc", "heimmif1", "MiHBmif1heic"})
    EXPECT_EQ(name_of(brands(heic)), "HEIC") << heic;
  for (const char* avif : {"avif", "avis", "mif1avif", "msf1avis", "avifmif1miaf"})
    EXPECT_EQ(name_of(brands(avif)), "AVIF") << avif;
  for (const char* video : {"isomavc1", "qt  ", "mp42"}) EXPECT_EQ(name_of(brands(video)), "none") << video;
  for (const std::string& raw : {"FUJIFILMCCD-RAW 0201"s, "IIRO\x08\0\0\0"s, "IIU\0\x18\0\0\0"s, "\0MRM"s, "FOVb"s,
                                 "II\x1A\0\0\0HEAPCCDR"s, brands("crx isom"), "II*\0\x10\0\0\0CR\2\0"s})
    EXPECT_EQ(name_of(raw), "RAW");
  EXPECT_EQ(name_of(""), "none");
}

TEST(Format, AFewBytesSuffice) {
  const Json rows = read_json(e5v::test::golden("formats/pixels.json")).at("files");
  for (const Json& row : rows) {
    const std::string file = test::from_hex(row.at("file")), expected = row.at("format");
    EXPECT_EQ(name_of(file), expected) << row.at("name");
    const std::string start = name_of(file.substr(0, kSignatureBytes));
    EXPECT_EQ(start, expected == "RAW" ? "TIFF" : expected) << row.at("name");
  }
}

TEST(Format, SuffixesAreOfOneFormatEach) {
  std::set<std::string_view> seen;
  for (const Format& format : formats())
    for (const std::string_view suffix : format.suffixes) {
      EXPECT_TRUE(seen.insert(suffix).second) << suffix;
      EXPECT_TRUE(has_image_suffix("folder.d/photo" + std::string(suffix)));
    }
  EXPECT_TRUE(has_image_suffix("IMG_0001.JPG"));
  EXPECT_TRUE(has_image_suffix("a.HeIc"));
  for (const char* file : {"notes.txt", "jpg", ".jpg", "a.jpg.txt", "movie.mp4", "", "a."})
    EXPECT_FALSE(has_image_suffix(file)) << file;
}

TEST(Format, MessagesNameThemAll) {
  for (const Format& format : formats()) {
    const std::string_view name = format.name == "RAW" ? "raw" : format.name;
    EXPECT_NE(kFormatNames.find(name), std::string_view::npos) << name;
  }
}

}  // namespace
}  // namespace e5v::image
