#include "eval/captions.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "caption_files.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Captions : public test::CaptionFiles {};

class Urban : public Captions {
 protected:
  CaptionOptions of_;

  Urban() {
    of_.file = folder_.path() / "Urban1k";
    for (const std::string name : {"image", "caption"}) std::filesystem::create_directories(of_.file / name);
    for (const std::string name : {"10", "2", "1"}) {
      folder_.write("Urban1k/image/" + name + ".jpg", test::kImage);
      folder_.write("Urban1k/caption/" + name + ".txt", "Street " + name + ".\nnot this\n");
    }
  }
};

TEST_F(Urban, ReadsTheFolderInTheOrderOfNumbers) {
  folder_.write("Urban1k/caption/.DS_Store", "");
  auto list = read_captions(of_);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_THAT(list[1].captions, ElementsAre("Street 2."));
  EXPECT_EQ(list[2].image, of_.file / "image" / "10.jpg");
  of_.max_images = 2;
  EXPECT_EQ(read_captions(of_).size(), 2u);
}

TEST_F(Urban, NamesTheFirstFileThatIsMissing) {
  std::filesystem::remove(of_.file / "image" / "2.jpg");
  expect_refused(of_, "Urban1k] 1 of 3 images is missing: " + (of_.file / "image/2.jpg").string() +
                          " does not exist; say with option images where the images are");
  folder_.write("Urban1k/image/2.jpg", test::kImage);
  std::filesystem::remove(of_.file / "caption" / "10.txt");
  expect_refused(of_, "caption/10.txt] is missing");
  folder_.write("Urban1k/caption/10.txt", "\n");
  expect_refused(of_, "10.txt] begins with no caption");
  folder_.write("Urban1k/caption/10.txt",
                "A stra\xDF"
                "e.\n");
  expect_refused(of_, "10.txt] is no UTF-8");
  std::filesystem::remove_all(of_.file / "image");
  expect_refused(of_, "Urban1k/image] is missing; expected");
}

TEST_F(Captions, RefusesWhatIsWrongAndSaysWhere) {
  CaptionOptions missing;
  missing.file = folder_.path() / "nowhere.json";
  expect_refused(missing, "nowhere.json] is missing; expected Karpathy's JSON");
  expect_refused(options(""), "captions] is empty; expected");
  expect_refused(options("\xEF\xBB\xBF \n"), "captions] is empty; expected");
  expect_refused(options("name,text\n"), "has an unknown form");
  CaptionOptions folderless = options("a.jpg#0\tone\n");
  folderless.images = folder_.path() / "nowhere";
  expect_refused(folderless, "nowhere] is no folder, expected the images of " + folderless.file.string());
}

TEST_F(Captions, AllThatIsMissingIsNamedAtOnceOrLeftOut) {
  std::string lines = "{\"image\": \"a.jpg\", \"captions\": [\"a1\", \"a2\"]}\n";
  for (int i = 0; i < 3; ++i) lines += fmt::format("{{\"image\": \"none{}.jpg\", \"captions\": [\"x\", \"y\"]}}\n", i);
  folder_.write("none1.jpg", "");
  folder_.write("none2.jpg", "<html>not found</html>");
  const CaptionOptions of = options(lines);
  expect_refused(of, "captions] 3 of 4 images are missing: " + (folder_.path() / "none0.jpg").string() +
                         " does not exist, " + (folder_.path() / "none1.jpg").string() + " is empty, " +
                         (folder_.path() / "none2.jpg").string() +
                         " is no image that e5v reads; say with option images where the images are, or leave them out "
                         "with option skip_missing");
  ImageFiles files(ImageNeed::existing);
  const CaptionedImages read = read_captions(of, files);
  ASSERT_EQ(read.images.size(), 1u);
  EXPECT_EQ(read.captions, 8u);
  EXPECT_EQ(read.left_out, 6u);
  EXPECT_EQ(files.named(), 4u);
  EXPECT_THAT(files.missing(),
              ElementsAre(folder_.path() / "none0.jpg", folder_.path() / "none1.jpg", folder_.path() / "none2.jpg"));
  // Where vectors are given, images are not looked for.
  ImageFiles none(ImageNeed::none);
  CaptionOptions elsewhere = of;
  elsewhere.images = folder_.path() / "nowhere";
  EXPECT_EQ(read_captions(elsewhere, none).images.size(), 4u);
}

TEST_F(Urban, NeedsNoImagesWhereVectorsAreGiven) {
  std::filesystem::remove_all(of_.file / "image");
  ImageFiles none(ImageNeed::none);
  const CaptionedImages read = read_captions(of_, none);
  ASSERT_EQ(read.images.size(), 3u);
  EXPECT_EQ(read.images[2].image, of_.file / "image" / "10.jpg");
}

}  // namespace
}  // namespace e5v::eval
