#include "eval/image_files.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::eval {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ImageFilesTest : public testing::Test {
 protected:
  /// A file that begins as a PNG.
  fs::path good(const std::string& name = "good.png") const { return folder_.write(name, "\x89PNG\r\n\x1A\n"); }
  fs::path none(int i = 0) const { return folder_.path() / fmt::format("none{}.png", i); }

  test::TemporaryFolder folder_;
};

TEST_F(ImageFilesTest, WhatBeginsAsAnImageIsUsable) {
  ImageFiles files;
  EXPECT_TRUE(files.usable(good()));
  EXPECT_TRUE(files.usable(folder_.write("x", "\xFF\xD8\xFF\xE0")));
  EXPECT_TRUE(files.usable(folder_.write("y", std::string("RIFF\0\0\0\0WEBP", 12))));
  EXPECT_TRUE(files.missing().empty());
  EXPECT_EQ(files.named(), 3u);
  EXPECT_NO_THROW(files.require_there("set", "look"));
}

TEST_F(ImageFilesTest, AllThatIsMissingIsNamedOnceWithItsReason) {
  ImageFiles files;
  const fs::path empty = folder_.write("empty.png", ""), page = folder_.write("page.jpg", "<html>not found</html>");
  fs::create_directory(folder_.path() / "folder.png");
  EXPECT_TRUE(files.usable(good()));
  for (int time = 0; time < 2; ++time) {
    for (const fs::path& file : {none(), empty, page, folder_.path() / "folder.png"}) EXPECT_FALSE(files.usable(file));
  }
  EXPECT_EQ(files.named(), 5u);
  EXPECT_THAT(files.missing(), ElementsAre(none(), empty, page, folder_.path() / "folder.png"));
  EXPECT_THAT([&] { files.require_there("set.json", "look elsewhere"); },
              ThrowsMessage<InvalidInput>("[set.json] 4 of 5 images are missing: " + none().string() +
                                          " does not exist, " + empty.string() + " is empty, " + page.string() +
                                          " is no image that e5v reads, " + (folder_.path() / "folder.png").string() +
                                          " is no regular file; look elsewhere, or leave them out with option "
                                          "skip_missing"));
}

TEST_F(ImageFilesTest, OfManyThatAreMissingTheFirstTwentyAreNamed) {
  ImageFiles files;
  for (int i = 0; i < 33; ++i) files.usable(none(i));
  EXPECT_THAT([&] { files.require_there("set", "look"); },
              ThrowsMessage<InvalidInput>(testing::AllOf(HasSubstr("[set] 33 of 33 images are missing: "),
                                                         HasSubstr("none19.png does not exist, and 13 more; look"),
                                                         testing::Not(HasSubstr("skip_missing")))));
}

TEST_F(ImageFilesTest, SomeMayBeMissingButNotAll) {
  ImageFiles files(ImageNeed::existing);
  EXPECT_FALSE(files.usable(none()));
  EXPECT_THAT([&] { files.require_there("set", "look"); },
              ThrowsMessage<InvalidInput>("[set] 1 of 1 images is missing, so that nothing is left: " +
                                          none().string() + " does not exist; look"));
  EXPECT_TRUE(files.usable(good()));
  EXPECT_NO_THROW(files.require_there("set", "look"));
}

TEST_F(ImageFilesTest, WhereVectorsAreThereNoImageIsLookedFor) {
  ImageFiles files(ImageNeed::none);
  EXPECT_TRUE(files.usable(none()));
  EXPECT_TRUE(files.missing().empty());
  EXPECT_EQ(files.named(), 1u);
}

TEST_F(ImageFilesTest, AResultSaysWhatWasLeftOutOfIt) {
  ImageFiles files(ImageNeed::existing);
  files.usable(good()), files.usable(none());
  Result result;
  add_left_out(result, files, 3, 10, "captions");
  ASSERT_TRUE(result.left_out.has_value());
  EXPECT_THAT(result.left_out->images, ElementsAre(none()));
  EXPECT_EQ(result.left_out->queries, 3u);
  EXPECT_THAT(result.facts,
              ElementsAre(testing::Pair("left out because images are missing", "1 of 2 images, 3 of 10 captions")));
  Result whole;
  add_left_out(whole, ImageFiles(), 0, 10, "captions");
  EXPECT_FALSE(whole.left_out.has_value());
  EXPECT_TRUE(whole.facts.empty());
}

}  // namespace
}  // namespace e5v::eval
