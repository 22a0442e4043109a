#include "library/metadata.h"

#include <gmock/gmock.h>

#include "image/encode.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::ElementsAre;

TEST(Metadata, WithoutTheModuleSizeAndOrientationAreRead) {
  const auto read = [](const std::string& file) { return read_metadata(std::as_bytes(std::span(file)), nullptr); };
  std::string jpeg = image::encode_jpeg(image::Bitmap(8, 6), 90);
  Metadata expected;
  expected.width = 8, expected.height = 6;
  EXPECT_EQ(read(jpeg), expected);
  // EXIF with the orientation 6 and nothing else.
  jpeg.insert(2, std::string("\xFF\xE1\x00\x22"
                             "Exif\0\0"
                             "MM\0\x2A\0\0\0\x08"
                             "\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
                             36));
  expected.width = 6, expected.height = 8, expected.orientation = 6;
  EXPECT_EQ(read(jpeg), expected);
  EXPECT_EQ(read("no image"), Metadata());
}

TEST(MetadataSidecar, XmpAndTextsBesideTheImageReplaceItsOwn) {
  const test::TemporaryFolder folder;
  const std::string packet =
      R"(<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:Rating="3">
    <dc:subject><rdf:Bag><rdf:li>harbour</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>)";
  folder.write("a.jpg.xmp", packet), folder.write("b.xmp", packet), folder.write("c.xmp", "no XMP");
  folder.write("b.txt", "  two boats\n");
  const auto read = [&](const std::string& name) {
    Metadata metadata;
    metadata.caption = "its own";
    add_sidecars((folder.path() / name).string(), metadata);
    return metadata;
  };
  if (metadata_reader().reader != nullptr) {
    EXPECT_EQ(read("a.jpg").rating, 3);
    EXPECT_THAT(read("a.jpg").keywords, ElementsAre("harbour"));
    EXPECT_EQ(read("b.jpg").rating, 3);
  }
  EXPECT_EQ(read("a.jpg").caption, "its own");
  EXPECT_EQ(read("b.jpg").caption, "two boats");
  EXPECT_EQ(read("c.jpg").rating, std::nullopt);
  Metadata without;
  add_sidecars((folder.path() / "b.jpg").string(), without, nullptr);
  EXPECT_EQ(without.rating, std::nullopt) << "XMP needs the module";
  EXPECT_EQ(without.caption, "two boats") << "a text does not";
}

}  // namespace
}  // namespace e5v::library
