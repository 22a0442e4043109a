// Captions in tables, through read_captions.
#include <gmock/gmock.h>

#include "base/error.h"
#include "caption_files.h"
#include "eval/captions.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;

class CaptionTable : public test::CaptionFiles {};

TEST_F(CaptionTable, ReadsFlickrsTables) {
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
}

TEST_F(CaptionTable, NumbersMayHaveManyDigitsAndCaptionsBlanksAround) {
  const auto list = read_captions(options("a.jpg#10\t  one \na.jpg#11\ttwo\t2\n"));
  ASSERT_EQ(list.size(), 1u);
  EXPECT_THAT(list[0].captions, ElementsAre("one", "two\t2"));
}

TEST_F(CaptionTable, TheColumnOfImagesHasOneOfFourNames) {
  for (const char* name : {"image", "image_name", "file", "filename"}) {
    const auto list = read_captions(options(std::string("caption,") + name + "\nx,a.jpg\n"));
    ASSERT_EQ(list.size(), 1u) << name;
    EXPECT_THAT(list[0].captions, ElementsAre("x")) << name;
  }
  expect_refused(options("caption,picture\nx,a.jpg\n"), "captions] has an unknown form; expected");
  expect_refused(options("text,image\nx,a.jpg\n"), "captions] has an unknown form; expected");
}

TEST_F(CaptionTable, RowsThatAreWrongAreNamed) {
  expect_refused(options("a.jpg#0\tone\nb.jpg\ttwo\n"),
                 "captions:2] expected NAME#NUMBER, a tab, and a caption, found \"b.jpg\\x09two\"");
  expect_refused(options("a.jpg#0\tone\nb.jpg#x\ttwo\n"), "captions:2] expected NAME#NUMBER, a tab, and a caption");
  expect_refused(options("a.jpg#0\tone\nb.jpg#0\t\n"), "captions:2] has an empty caption");
  expect_refused(options("a.jpg#0\tone\nb.jpg#0\t\xFF\n"), "captions:2] is no UTF-8");
  expect_refused(options("image| comment_number| comment\na.jpg| first\n"),
                 "captions:2] expected NAME| NUMBER| CAPTION");
  expect_refused(options("image,caption\na.jpg,one\nb.jpg,two,three\n"), "captions:3] expected as many fields");
  expect_refused(options("image,caption\n\na.jpg,\"one\nmore\"\nb.jpg\n"), "captions:5] expected as many fields");
  expect_refused(options("image,caption\na.jpg,\"one\n"), "captions:2] a quote is not closed");
  expect_refused(options("image,caption\n"), "captions] has no image");
}

}  // namespace
}  // namespace e5v::eval
