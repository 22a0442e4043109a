// Captions in the forms of JSON, through read_captions.
#include <gmock/gmock.h>

#include "base/error.h"
#include "caption_files.h"
#include "eval/captions.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;

class CaptionJson : public test::CaptionFiles {};

constexpr const char* kKarpathy = R"({"dataset": "coco", "images": [
  {"filename": "a.jpg", "split": "train", "sentences": [{"raw": "not this"}]},
  {"filename": "b.jpg", "split": "test", "sentences": [{"raw": "one", "tokens": ["one"]}, {"raw": "two"}]},
  {"filename": "c.jpg", "split": "restval", "sentences": [{"raw": "rest"}]},
  {"filename": "d.jpg", "filepath": "val2014", "split": "test", "sentences": [{"raw": "1"}, {"raw": "2"}, {"raw": "3"}]}]})";

TEST_F(CaptionJson, ReadsKarpathysSplits) {
  CaptionOptions of = options(kKarpathy);
  const auto test = read_captions(of);
  ASSERT_EQ(test.size(), 2u);
  EXPECT_EQ(test[0].image, folder_.path() / "b.jpg");
  EXPECT_THAT(test[0].captions, ElementsAre("one", "two"));
  EXPECT_EQ(test[1].image, folder_.path() / "val2014" / "d.jpg");
  of.split = "train";
  EXPECT_EQ(read_captions(of).size(), 2u);
  of.split = "";
  EXPECT_EQ(read_captions(of).size(), 4u);
  of.max_captions = 2;
  EXPECT_THAT(read_captions(of)[3].captions, ElementsAre("1", "2"));
  of.split = "none";
  expect_refused(of, "captions] has no image of the split \"none\"");
}

TEST_F(CaptionJson, ReadsCocosAnnotationsInTheirOrder) {
  const auto list =
      read_captions(options(R"({"images": [{"id": 7, "file_name": "a.jpg"}, {"id": 3, "file_name": "b.jpg"}],
    "annotations": [{"image_id": 3, "caption": "b1"}, {"image_id": 7, "caption": "a1"}, {"image_id": 3, "caption": "b2"}]})"));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_THAT(list[0].captions, ElementsAre("a1"));
  EXPECT_THAT(list[1].captions, ElementsAre("b1", "b2"));
}

TEST_F(CaptionJson, CocosImagesHaveAnIdEach) {
  const auto list =
      read_captions(options(R"({"images": [{"id": "x1", "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}],
    "annotations": [{"image_id": 1, "caption": "b1"}, {"image_id": "x1", "caption": "a1"}]})"));
  EXPECT_THAT(list.at(0).captions, ElementsAre("a1"));
  expect_refused(options(R"({"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}],
    "annotations": [{"image_id": 1, "caption": "x"}]})"),
                 "images[1]] has the id 1, which an earlier image has");
  expect_refused(options(R"({"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
    "annotations": [{"image_id": 1, "caption": "x"}]})"),
                 "b.jpg has no caption");
  expect_refused(options(R"({"images": [{"id": 1.5, "file_name": "a.jpg"}], "annotations": []})"),
                 "images[0]] \"id\" has an unexpected type: number");
}

TEST_F(CaptionJson, CocosFirstFiveCaptionsCount) {
  std::string annotations;
  for (int i = 0; i < 7; ++i)
    annotations += std::string(i == 0 ? "" : ",") + R"({"image_id": 7, "caption": ")" + std::to_string(i) + "\"}";
  const auto list =
      read_captions(options(R"({"images": [{"id": 7, "file_name": "a.jpg"}], "annotations": [)" + annotations + "]}"));
  EXPECT_THAT(list.at(0).captions, ElementsAre("0", "1", "2", "3", "4"));
}

TEST_F(CaptionJson, ReadsLines) {
  const auto list =
      read_captions(options("\xEF\xBB\xBF{\"image\": \"a.jpg\", \"captions\": [\"x\", \"y\"]}\n\n{\"file\": \"b.jpg\", "
                            "\"caption\": \"z\", \"id\": 1}\r\n"));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_THAT(list[0].captions, ElementsAre("x", "y"));
  EXPECT_THAT(list[1].captions, ElementsAre("z"));
}

TEST_F(CaptionJson, LinesAboutOneImageAddToIt) {
  CaptionOptions of = options(
      "{\"image\": \"a.jpg\", \"caption\": \"a1\"}\n{\"image\": \"b.jpg\", \"caption\": \"b1\"}\n"
      "{\"image\": \"./a.jpg\", \"captions\": [\"a2\", \"a3\"]}\n{\"image\": \"c.jpg\", \"caption\": \"c1\"}\n"
      "{\"file\": \"a.jpg\", \"caption\": \"a4\"}\n");
  auto list = read_captions(of);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].image, folder_.path() / "a.jpg");
  EXPECT_THAT(list[0].captions, ElementsAre("a1", "a2", "a3", "a4"));
  EXPECT_THAT(list[1].captions, ElementsAre("b1"));
  EXPECT_THAT(list[2].captions, ElementsAre("c1"));
  of.max_images = 2;
  of.max_captions = 3;
  list = read_captions(of);
  ASSERT_EQ(list.size(), 2u) << "the first images, with all that is said of them";
  EXPECT_THAT(list[0].captions, ElementsAre("a1", "a2", "a3"));
}

TEST_F(CaptionJson, ReadsTheListsOfLavisBlipAndAlbef) {
  // The test form, with a list; names begin with a folder, and a byte-order mark and line ends of Windows do no harm.
  auto list =
      read_captions(options("\xEF\xBB\xBF[\r\n{\"image\": \"val2014/d.jpg\", \"caption\": [\"x\", \"y\"]},\r\n"
                            "{\"image\": \"a.jpg\", \"caption\": [\"z\"]}]\r\n"));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].image, folder_.path() / "val2014" / "d.jpg");
  EXPECT_THAT(list[0].captions, ElementsAre("x", "y"));
  // The training form, with a text in each of many entries about one image.
  CaptionOptions of = options(R"([{"image": "a.jpg", "caption": "a1", "image_id": "coco_1"},
    {"caption": "b1", "image": "b.jpg", "image_id": "coco_2"}, {"image": "c.jpg", "caption": "c1", "image_id": 3},
    {"image": "a.jpg", "caption": "a2", "image_id": "coco_1"}])");
  of.max_images = 2;
  list = read_captions(of);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_THAT(list[0].captions, ElementsAre("a1", "a2")) << "whatever stands between them";
  EXPECT_THAT(list[1].captions, ElementsAre("b1"));
  expect_refused(options(R"([{"image": "a.jpg", "caption": 3}])"), "[0]] \"caption\" is number, expected a text");
  expect_refused(options(R"([{"image": "a.jpg", "caption": ["x", 3]}])"), "a list that holds something else");
  expect_refused(options(R"([{"image": "a.jpg", "caption": ["x", " "]}])"), "[0]] has an empty caption");
  expect_refused(options(R"([{"image": "a.jpg", "caption": "x"}, {"image": "b.jpg"}])"), "[1]] has no \"caption\"");
  expect_refused(options(R"([{"image": "", "caption": "x"}])"), "[0]] names no image");
}

TEST_F(CaptionJson, ReadsShareGpt4vAndNoMoreOfItThanIsWanted) {
  CaptionOptions of = options(R"([
  {"id": "1", "image": "a.jpg", "conversations": [{"from": "human", "value": "<image>\nWhat?"},
                                                  {"from": "gpt", "value": "A cat \\\"[}\nand\na dog."}]},
  {"image": "val2014/d.jpg", "conversations": [{"from": "human", "value": "?"}, {"from": "gpt", "value": "x"}]},
  {"image": "none.jpg", "conversations": [{"from": "gpt", "value": "y"}]},
  {"image": "a.jpg", "conversations": 3} and what is no JSON at all)");
  of.max_images = 2;
  const auto list = read_captions(of);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_THAT(list[0].captions, ElementsAre("A cat \\\"[} and a dog."));
  EXPECT_EQ(list[1].image, folder_.path() / "val2014/d.jpg");
  of.max_images = 3;
  expect_refused(of, (folder_.path() / "none.jpg").string() + " does not exist");
  of.max_images = 4;
  expect_refused(of, "[3]] \"conversations\" has an unexpected type: number");
  expect_refused(options(R"([{"image": "a.jpg")"), "[0]] is no object");
  expect_refused(options("[]"), "captions] has no image");
  expect_refused(options("["), "does not end");
  expect_refused(options(R"([{"image": "a.jpg", "conversations": [{"from": "human", "value": "?"}]}])"),
                 "has no answer in its \"conversations\"");
}

TEST_F(CaptionJson, TakesTheFirstImagesOfAnyForm) {
  CaptionOptions of = options(kKarpathy);
  of.max_images = 1;
  EXPECT_EQ(read_captions(of).at(0).image, folder_.path() / "b.jpg");
  EXPECT_EQ(read_captions(of).size(), 1u);
  of = options(R"({"images": [{"id": 7, "file_name": "a.jpg"}, {"id": 3, "file_name": "none.jpg"}],
    "annotations": [{"image_id": 3, "caption": "b1"}, {"image_id": 7, "caption": "a1"}]})");
  of.max_images = 1;
  EXPECT_EQ(read_captions(of).size(), 1u);
  of = options("{\"image\": \"a.jpg\", \"caption\": \"x\"}\n{\"image\": \"none.jpg\"}\n");
  of.max_images = 1;
  EXPECT_EQ(read_captions(of).size(), 1u);
}

TEST_F(CaptionJson, WhatIsWrongWithAListOfImagesIsSaid) {
  expect_refused(options(R"({"images": 3})"), "captions] \"images\" is no list; expected Karpathy's JSON");
  expect_refused(options(R"({"pictures": []})"), "captions] has an unknown form; expected Karpathy's JSON");
  expect_refused(options(R"({"images": [{"filename": "none.jpg", "split": "test", "sentences": [{"raw": "x"}]}]})"),
                 "none.jpg does not exist");
  expect_refused(options(R"({"images": [{"filename": "a.jpg", "split": "test", "sentences": []}]})"),
                 "a.jpg has no caption");
  expect_refused(options(R"({"images": [{"filename": 5, "split": "test", "sentences": []}]})"),
                 "images[0]] \"filename\" has an unexpected type: number");
  expect_refused(options(R"({"images": [{"split": "test"}]})"), "images[0]] has no \"filename\"");
  expect_refused(options(R"({"images": [{"filename": "a.jpg", "split": "test", "sentences": [{"text": "x"}]}]})"),
                 "images[0]] has no \"raw\"");
  expect_refused(
      options(R"({"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 2, "caption": "x"}]})"),
      "annotations[0]] is about image 2, which is not among the images");
}

TEST_F(CaptionJson, WhatIsWrongWithALineIsSaid) {
  expect_refused(options("{\"image\": \"a.jpg\", \"caption\": \"x\"}\n{\"image\": \"b.jpg\"}\n"),
                 "captions:2] has no \"caption\"");
  expect_refused(options("{\"image\": \"a.jpg\", \"caption\": \"x\"}\n\n{\"image\"\n"), "captions:3");
  expect_refused(options("{\"image\": 1, \"caption\": \"x\"}\n"), "captions:1] \"image\" has an unexpected type");
}

}  // namespace
}  // namespace e5v::eval
