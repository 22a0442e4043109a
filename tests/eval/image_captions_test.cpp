#include "eval/image_captions.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "caption_files.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;

class CaptionedImagesTest : public test::CaptionFiles {};

TEST_F(CaptionedImagesTest, TheFolderMayBeTheOneThatNamesBeginWith) {
  CaptionOptions of = options(R"([{"image": "val2014/d.jpg", "caption": ["x"]}])");
  of.images = folder_.path() / "val2014";
  EXPECT_EQ(read_captions(of).at(0).image, folder_.path() / "val2014" / "d.jpg");
  // But not when two names would then be one file.
  of = options(R"([{"image": "train2014/d.jpg", "caption": ["x"]}, {"image": "val2014/d.jpg", "caption": ["y"]}])");
  of.images = folder_.path() / "val2014";
  expect_refused(of, "[1]] train2014/d.jpg and val2014/d.jpg would both be " + (of.images / "d.jpg").string());
}

TEST_F(CaptionedImagesTest, AnImageOfTheSameLastNameIsNotTakenForAnother) {
  // One is there under its whole name, the other would be another image.
  CaptionOptions of =
      options(R"([{"image": "val2014/d.jpg", "caption": "x"}, {"image": "cats/a.jpg", "caption": "y"}])");
  expect_refused(of, (folder_.path() / "cats/a.jpg").string() + " does not exist");
  of.images = folder_.path();
  expect_refused(of, "val2014/d.jpg is found under its whole name and cats/a.jpg under its last part alone");
}

class Finder : public test::CaptionFiles {
 protected:
  CaptionOptions of_ = options("");
};

TEST_F(Finder, LooksInTheFolderAndThenBelowIt) {
  ImageFinder finder(of_, ImageNeed::all);
  EXPECT_EQ(finder.find("a.jpg", {"val2014"}, "here"), folder_.path() / "a.jpg");
  EXPECT_EQ(finder.find("d.jpg", {"", "val2014"}, "here"), folder_.path() / "val2014/d.jpg");
  EXPECT_EQ(finder.find("./b.jpg", {}, "here"), folder_.path() / "b.jpg");
}

TEST_F(Finder, SaysWhereAMissingImageShouldBe) {
  ImageFinder finder(of_, ImageNeed::existing);
  EXPECT_EQ(finder.find("none.jpg", {}, "here"), folder_.path() / "none.jpg");
  EXPECT_EQ(finder.find("none.jpg", {"val2014", "test"}, "here"), folder_.path() / "val2014/none.jpg");
  EXPECT_EQ(finder.find("none.jpg", {"", "test"}, "here"), folder_.path() / "none.jpg");
}

TEST_F(Finder, TheLastPartAloneCountsOnlyInAFolderThatWasNamed) {
  ImageFinder beside(of_, ImageNeed::all);
  EXPECT_EQ(beside.find("coco/a.jpg", {}, "here"), folder_.path() / "coco/a.jpg");
  of_.images = folder_.path();
  ImageFinder named(of_, ImageNeed::all);
  EXPECT_EQ(named.find("coco/a.jpg", {}, "here"), folder_.path() / "a.jpg");
  EXPECT_EQ(named.find("coco/./a.jpg", {}, "here"), folder_.path() / "a.jpg") << "the same name once more";
  EXPECT_THAT([&] { named.find("flickr/a.jpg", {}, "captions:3"); },
              testing::ThrowsMessage<InvalidInput>("[captions:3] coco/a.jpg and flickr/a.jpg would both be " +
                                                   (folder_.path() / "a.jpg").string() +
                                                   "; say with option images which folder the names begin in"));
}

TEST_F(Finder, TheFolderOfImagesIsThereUnlessNoneIsNeeded) {
  of_.images = folder_.path() / "nowhere";
  EXPECT_THAT([&] { ImageFinder(of_, ImageNeed::existing); },
              testing::ThrowsMessage<InvalidInput>("[" + of_.images.string() +
                                                   "] is no folder, expected the images of " + of_.file.string()));
  EXPECT_NO_THROW(ImageFinder(of_, ImageNeed::none));
}

class Adding : public test::CaptionFiles {
 protected:
  CaptionOptions of_ = options("");
  ImageFiles files_;
};

TEST_F(Adding, EntriesAboutOneImageStandWhereItCameFirst) {
  ImageCaptions images(of_, files_);
  EXPECT_TRUE(images.add("a.jpg", {}, {"a1", "a2"}, "1"));
  EXPECT_TRUE(images.add("b.jpg", {}, {}, "2"));
  EXPECT_TRUE(images.add("val2014/../a.jpg", {}, {"a3"}, "3"));
  const std::vector<CaptionedImage> taken = images.take();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].image, folder_.path() / "a.jpg");
  EXPECT_THAT(taken[0].captions, ElementsAre("a1", "a2", "a3"));
  EXPECT_THAT(taken[1].captions, ElementsAre());
}

TEST_F(Adding, TheFirstImagesAndCaptionsAreTaken) {
  of_.max_images = 1, of_.max_captions = 2;
  ImageCaptions images(of_, files_);
  EXPECT_FALSE(images.is_enough());
  EXPECT_TRUE(images.add("a.jpg", {}, {"a1"}, "1"));
  EXPECT_TRUE(images.is_enough());
  EXPECT_FALSE(images.add("b.jpg", {}, {"b1"}, "2"));
  EXPECT_TRUE(images.add("a.jpg", {}, {"a2", "a3"}, "3")) << "one that is known";
  EXPECT_THAT(images.take().at(0).captions, ElementsAre("a1", "a2"));
  of_.max_images = of_.max_captions = 0;
  ImageCaptions all(of_, files_);
  EXPECT_TRUE(all.add("a.jpg", {}, std::vector<std::string>(9, "x"), "1"));
  EXPECT_FALSE(all.is_enough());
  EXPECT_EQ(all.take().at(0).captions.size(), 9u);
}

TEST_F(Adding, NamesAndCaptionsHoldSomething) {
  ImageCaptions images(of_, files_);
  EXPECT_THAT([&] { images.add("", {}, {"x"}, "captions:7"); },
              testing::ThrowsMessage<InvalidInput>("[captions:7] names no image"));
  EXPECT_THAT(
      [&] {
        images.add("a.jpg", {}, {"x", " \r\n"}, "captions:7");
      },
      testing::ThrowsMessage<InvalidInput>("[captions:7] has an empty caption"));
}

}  // namespace
}  // namespace e5v::eval
