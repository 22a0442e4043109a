#include "eval/captions.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// What an image begins with.
constexpr const char* kImage = "\x89PNG\r\n\x1A\n";

class Captions : public testing::Test {
 protected:
  test::TemporaryFolder folder_;

  Captions() {
    for (const std::string name : {"a.jpg", "b.jpg", "c.jpg"}) folder_.write(name, kImage);
    std::filesystem::create_directory(folder_.path() / "val2014");
    folder_.write("val2014/d.jpg", kImage);
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
  of.max_captions = 2;
  EXPECT_THAT(read_captions(of)[3].captions, ElementsAre("1", "2"));
  of.split = "none";
  expect_refused(of, "no image of the split \"none\"");
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

TEST_F(Captions, LinesAboutOneImageAddToIt) {
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

TEST_F(Captions, ReadsShareGpt4vAndNoMoreOfItThanIsWanted) {
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
  expect_refused(options("[]"), "has no image");
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
      folder_.write("Urban1k/image/" + name + ".jpg", kImage);
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
  folder_.write("Urban1k/image/2.jpg", kImage);
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

TEST_F(Captions, TakesTheFirstImagesOfAnyForm) {
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
  expect_refused(options("name,text\n"), "has an unknown form");
  expect_refused(options(R"({"images": 3})"), "no list");
  expect_refused(options(R"({"images": [{"filename": "none.jpg", "split": "test", "sentences": [{"raw": "x"}]}]})"),
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

TEST_F(Captions, ReadsTheListsOfLavisBlipAndAlbef) {
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

TEST_F(Captions, TheFolderMayBeTheOneThatNamesBeginWith) {
  CaptionOptions of = options(R"([{"image": "val2014/d.jpg", "caption": ["x"]}])");
  of.images = folder_.path() / "val2014";
  EXPECT_EQ(read_captions(of).at(0).image, folder_.path() / "val2014" / "d.jpg");
  // But not when two names would then be one file.
  of = options(R"([{"image": "train2014/d.jpg", "caption": ["x"]}, {"image": "val2014/d.jpg", "caption": ["y"]}])");
  of.images = folder_.path() / "val2014";
  expect_refused(of, "[1]] train2014/d.jpg and val2014/d.jpg would both be " + (of.images / "d.jpg").string());
}

TEST_F(Captions, AnImageOfTheSameLastNameIsNotTakenForAnother) {
  // One is there under its whole name, the other would be another image.
  CaptionOptions of =
      options(R"([{"image": "val2014/d.jpg", "caption": "x"}, {"image": "cats/a.jpg", "caption": "y"}])");
  expect_refused(of, (folder_.path() / "cats/a.jpg").string() + " does not exist");
  of.images = folder_.path();
  expect_refused(of, "val2014/d.jpg is found under its whole name and cats/a.jpg under its last part alone");
}

TEST_F(Captions, ReadsFlickrsTables) {
  const auto expect = [&](const std::string& content) {
    const auto list = read_captions(options(content));
    ASSERT_EQ(list.size(), 2u) << content;
    EXPECT_EQ(list[0].image, folder_.path() / "a.jpg");
    EXPECT_THAT(list[0].captions, ElementsAre("Two \"men\", one | dog .", "A man ."));
    EXPECT_THAT(list[1].captions, ElementsAre("A cat ."));
  };
  expect("a.jpg#0\tTwo \"men\", one | dog .\na.jpg#1\tA man .\nb.jpg#0\tA cat .\n");
  expect(
      "image_name| comment_number| comment\r\na.jpg| 0| Two \"men\", one | dog .\r\na.jpg| 1   A man .\r\n\r\n"
      "b.jpg| 0| A cat .\r\n");
  expect("\xEF\xBB\xBFimage,caption\na.jpg,\"Two \"\"men\"\", one | dog .\"\na.jpg,A man .\nb.jpg,A cat .\n");
  expect("id\tcaption\tfilename\n1\tTwo \"men\", one | dog .\ta.jpg\n2\tA man .\ta.jpg\n3\tA cat .\tb.jpg\n");
  expect_refused(options("a.jpg#0\tone\nb.jpg\ttwo\n"),
                 "captions:2] expected NAME#NUMBER, a tab, and a caption, found");
  expect_refused(options("a.jpg#0\tone\nb.jpg#0\t\n"), "captions:2] has an empty caption");
  expect_refused(options("a.jpg#0\tone\nb.jpg#0\t\xFF\n"), "captions:2] is no UTF-8");
  expect_refused(options("image| comment_number| comment\na.jpg| first\n"),
                 "captions:2] expected NAME| NUMBER| CAPTION");
  expect_refused(options("image,caption\na.jpg,one\nb.jpg,two,three\n"), "captions:3] expected as many fields");
  expect_refused(options("image,caption\na.jpg,\"one\n"), "captions:2] a quote is not closed");
  expect_refused(options("image,caption\n"), "has no image");
}

TEST_F(Captions, CocosImagesHaveAnIdEach) {
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

TEST_F(Captions, AllThatIsMissingIsNamedAtOnceOrLeftOut) {
  std::string lines = "{\"image\": \"a.jpg\", \"captions\": [\"a1\", \"a2\"]}\n";
  for (int i = 0; i < 3; ++i) lines += fmt::format("{{\"image\": \"none{}.jpg\", \"captions\": [\"x\", \"y\"]}}\n", i);
  folder_.write("none1.jpg", "");
  folder_.write("none2.jpg", "<html>not found</html>");
  const CaptionOptions of = options(lines);
  expect_refused(
      of, "captions] 3 of 4 images are missing: " + (folder_.path() / "none0.jpg").string() + " does not exist, " +
              (folder_.path() / "none1.jpg").string() + " is empty, " + (folder_.path() / "none2.jpg").string() +
              " is no JPEG, PNG or WebP file; say with option images where the images are, or leave them out "
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

TEST_F(Captions, OfManyThatAreMissingTheFirstTwentyAreNamed) {
  std::string lines;
  for (int i = 0; i < 33; ++i) lines += fmt::format("{{\"image\": \"none{}.jpg\", \"caption\": \"x\"}}\n", i);
  const CaptionOptions of = options(lines);
  expect_refused(of, "none19.jpg does not exist, and 13 more; say with");
  expect_refused(of, "33 of 33 images are missing: ");
  ImageFiles files(ImageNeed::existing);
  try {
    read_captions(of, files);
    FAIL() << "nothing is left";
  } catch (const InvalidInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("33 of 33 images are missing, so that nothing is left"));
  }
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
