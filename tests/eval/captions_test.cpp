#include "eval/captions.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Captions : public testing::Test {
 protected:
  test::TemporaryFolder folder_;

  Captions() {
    for (const std::string name : {"a.jpg", "b.jpg", "c.jpg"}) folder_.write(name, "picture");
    std::filesystem::create_directory(folder_.path() / "val2014");
    folder_.write("val2014/d.jpg", "picture");
  }
  CaptionOptions options(const std::string& content) const {
    CaptionOptions options;
    options.file = folder_.write("captions", content);
    return options;
  }
  void expect_refused(const CaptionOptions& options, const std::string& part) const {
    try {
      read_captions(options);
      FAIL() << "accepted, expected: " << part;
    } catch (const InvalidInput& error) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
};

constexpr const char* kKarpathy = R"({"dataset": "coco", "images": [
  {"filename": "a.jpg", "split": "train", "sentences": [{"raw": "not this"}]},
  {"filename": "b.jpg", "split": "test", "sentences": [{"raw": "one", "tokens": ["one"]}, {"raw": "two"}]},
  {"filename": "c.jpg", "split": "restval", "sentences": [{"raw": "rest"}]},
  {"filename": "d.jpg", "filepath": "val2014", "split": "test", "sentences": [{"raw": "1"}, {"raw": "2"}, {"raw": "3"}]}]})";

TEST_F(Captions, ReadsKarpathysSplits) {
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
  of.most_captions = 2;
  EXPECT_THAT(read_captions(of)[3].captions, ElementsAre("1", "2"));
  of.split = "none";
  expect_refused(of, "no picture of the split \"none\"");
}

TEST_F(Captions, ReadsCocosAnnotationsInTheirOrder) {
  const auto list =
      read_captions(options(R"({"images": [{"id": 7, "file_name": "a.jpg"}, {"id": 3, "file_name": "b.jpg"}],
    "annotations": [{"image_id": 3, "caption": "b1"}, {"image_id": 7, "caption": "a1"}, {"image_id": 3, "caption": "b2"}]})"));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_THAT(list[0].captions, ElementsAre("a1"));
  EXPECT_THAT(list[1].captions, ElementsAre("b1", "b2"));
}

TEST_F(Captions, ReadsLines) {
  const auto list =
      read_captions(options("\xEF\xBB\xBF{\"image\": \"a.jpg\", \"captions\": [\"x\", \"y\"]}\n\n{\"file\": \"b.jpg\", "
                            "\"caption\": \"z\", \"id\": 1}\r\n"));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_THAT(list[0].captions, ElementsAre("x", "y"));
  EXPECT_THAT(list[1].captions, ElementsAre("z"));
}

TEST_F(Captions, LinesAboutOnePictureAddToIt) {
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
  of.most_pictures = 2;
  of.most_captions = 3;
  list = read_captions(of);
  ASSERT_EQ(list.size(), 2u) << "the first pictures, with all that is said of them";
  EXPECT_THAT(list[0].captions, ElementsAre("a1", "a2", "a3"));
}

TEST_F(Captions, ReadsShareGpt4vAndNoMoreOfItThanIsWanted) {
  CaptionOptions of = options(R"([
  {"id": "1", "image": "a.jpg", "conversations": [{"from": "human", "value": "<image>\nWhat?"},
                                                  {"from": "gpt", "value": "A cat \\\"[}\nand\na dog."}]},
  {"image": "val2014/d.jpg", "conversations": [{"from": "human", "value": "?"}, {"from": "gpt", "value": "x"}]},
  {"image": "none.jpg", "conversations": 3} and what is no JSON at all)");
  of.most_pictures = 2;
  const auto list = read_captions(of);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_THAT(list[0].captions, ElementsAre("A cat \\\"[} and a dog."));
  EXPECT_EQ(list[1].image, folder_.path() / "val2014/d.jpg");
  of.most_pictures = 3;
  expect_refused(of, "[2]] the picture " + (folder_.path() / "none.jpg").string() + " does not exist");
  folder_.write("none.jpg", "picture");
  expect_refused(of, "[2]] \"conversations\" has an unexpected type: number");
  expect_refused(options(R"([{"image": "a.jpg")"), "[0]] is no object");
  expect_refused(options("[]"), "has no picture");
  expect_refused(options("["), "does not end");
  expect_refused(options(R"([{"image": "a.jpg", "conversations": [{"from": "human", "value": "?"}]}])"),
                 "has no answer in its \"conversations\"");
}

class Urban : public Captions {
 protected:
  CaptionOptions of_;

  Urban() {
    of_.file = folder_.path() / "Urban1k";
    for (const std::string name : {"image", "caption"}) std::filesystem::create_directories(of_.file / name);
    for (const std::string name : {"10", "2", "1"}) {
      folder_.write("Urban1k/image/" + name + ".jpg", "picture");
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
  of_.most_pictures = 2;
  EXPECT_EQ(read_captions(of_).size(), 2u);
}

TEST_F(Urban, NamesTheFirstFileThatIsMissing) {
  std::filesystem::remove(of_.file / "image" / "2.jpg");
  expect_refused(of_, "image/2.jpg] is missing");
  expect_refused(of_, "a folder with caption/NAME.txt and image/NAME.jpg");
  folder_.write("Urban1k/image/2.jpg", "picture");
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

TEST_F(Captions, TakesTheFirstPicturesOfAnyForm) {
  CaptionOptions of = options(kKarpathy);
  of.most_pictures = 1;
  EXPECT_EQ(read_captions(of).at(0).image, folder_.path() / "b.jpg");
  EXPECT_EQ(read_captions(of).size(), 1u);
  of = options(R"({"images": [{"id": 7, "file_name": "a.jpg"}, {"id": 3, "file_name": "none.jpg"}],
    "annotations": [{"image_id": 3, "caption": "b1"}, {"image_id": 7, "caption": "a1"}]})");
  of.most_pictures = 1;
  EXPECT_EQ(read_captions(of).size(), 1u);
  of = options("{\"image\": \"a.jpg\", \"caption\": \"x\"}\n{\"image\": \"none.jpg\"}\n");
  of.most_pictures = 1;
  EXPECT_EQ(read_captions(of).size(), 1u);
}

TEST_F(Captions, CocosFirstFiveCaptionsCount) {
  std::string annotations;
  for (int i = 0; i < 7; ++i)
    annotations += std::string(i == 0 ? "" : ",") + R"({"image_id": 7, "caption": ")" + std::to_string(i) + "\"}";
  const auto list =
      read_captions(options(R"({"images": [{"id": 7, "file_name": "a.jpg"}], "annotations": [)" + annotations + "]}"));
  EXPECT_THAT(list.at(0).captions, ElementsAre("0", "1", "2", "3", "4"));
}

TEST_F(Captions, RefusesWhatIsWrongAndSaysWhere) {
  CaptionOptions missing;
  missing.file = folder_.path() / "nowhere.json";
  expect_refused(missing, "nowhere.json] is missing; expected Karpathy's JSON");
  expect_refused(options(""), "empty");
  expect_refused(options("image,caption\n"), "no form that is known");
  expect_refused(options(R"({"images": 3})"), "no list");
  expect_refused(options(R"({"images": [{"filename": "none.jpg", "split": "test", "sentences": []}]})"),
                 "none.jpg does not exist");
  expect_refused(options(R"({"images": [{"filename": "a.jpg", "split": "test", "sentences": []}]})"),
                 "a.jpg has no caption");
  expect_refused(options(R"({"images": [{"filename": 5, "split": "test", "sentences": []}]})"), "unexpected type");
  expect_refused(options(R"({"images": [{"split": "test"}]})"), "images[0]] has no \"filename\"");
  expect_refused(
      options(R"({"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 2, "caption": "x"}]})"),
      "image 2");
  expect_refused(options("{\"image\": \"a.jpg\", \"caption\": \"x\"}\n{\"image\": \"b.jpg\"}\n"),
                 "captions:2] has no \"caption\"");
  expect_refused(options("{\"image\": \"a.jpg\", \"caption\": \"x\"}\n{\"image\"\n"), "captions:2");
  CaptionOptions of = options(kKarpathy);
  of.images = folder_.path() / "nowhere";
  expect_refused(of, "is no folder");
}

}  // namespace
}  // namespace e5v::eval
