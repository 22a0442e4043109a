#include "eval/pair_file.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::eval {
namespace {

using testing::HasSubstr;

class PairFile : public testing::Test {
 protected:
  test::TemporaryFolder folder_;

  std::vector<OwnPair> read(const std::string& name, const std::string& content) const {
    return read_pair_file(folder_.write(name, content));
  }
  void expect_refused(const std::string& name, const std::string& content, const std::string& part) const {
    try {
      read(name, content);
      FAIL() << "accepted, expected: " << part;
    } catch (const InvalidInput& error) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
};

TEST_F(PairFile, ReadsTablesAndLines) {
  folder_.write("a.jpg", "\xFF\xD8\xFF");
  const auto csv = read("x.csv", "\xEF\xBB\xBFsent0,sent1,score\r\n\"a, b\",c,2.5\r\n\r\nd,\"e\ne\",1e1\r\n");
  ASSERT_EQ(csv.size(), 2u);
  EXPECT_EQ(csv[0].first.text, "a, b");
  EXPECT_EQ(csv[0].score, 2.5);
  EXPECT_EQ(csv[1].second.text, "e\ne");
  EXPECT_EQ(csv[1].score, 10);
  const auto tsv = read("x.tsv", "image1\tsent0\timage0\na.jpg\tin red\ta.jpg\na.jpg\ttext\t\n");
  EXPECT_EQ(tsv[0].first.image, folder_.path() / "a.jpg");
  EXPECT_EQ(tsv[0].first.text, "in red");
  EXPECT_TRUE(tsv[1].first.image.empty());
  EXPECT_FALSE(tsv[0].score.has_value());
  const auto lines =
      read("x.jsonl",
           "{\"sent0\": \"a\", \"image1\": \"a.jpg\", \"score\": 3}\n{\"sent0\": \"b\", \"sent1\": \"c\", "
           "\"image0\": null, \"score\": \"0.5\"}\n");
  EXPECT_EQ(lines[0].second.image, folder_.path() / "a.jpg");
  EXPECT_EQ(lines[0].score, 3);
  EXPECT_EQ(lines[1].score, 0.5);
}

TEST_F(PairFile, RefusesWhatIsWrongAndSaysWhere) {
  expect_refused("x.txt", "a\tb\n", "x.txt] has an unknown ending; expected columns");
  expect_refused("x.csv", "sent0,sentence2\na,b\n", "x.csv:1] \"sentence2\" is no known column");
  expect_refused("x.csv", "sent0,sent1\na,b\nc\n", "x.csv:3] has 1 fields, expected 2");
  expect_refused("x.csv", "sent0,score\na,1\nb,2\n", "x.csv:2] has no sent1 or image1");
  expect_refused("x.csv", "sent0,sent1\na,b\n", "has 1 pair, expected at least 2");
  expect_refused("x.csv", "sent0,sent1,score\na,b,high\n", "x.csv:2] \"high\" is no score");
  expect_refused("x.csv", "sent0,sent1,score\na,b,1\nc,d,\n", "1 of 2 pairs have a score, expected all or none");
  expect_refused("x.csv", "sent0,sent1\n\"a\nb\",c\nd,\"e\n", "x.csv:4] a quote is not closed");
  expect_refused("x.tsv", "sent0\timage1\na\tnone.jpg\nb\tnone2.jpg\n",
                 "x.tsv] 2 of 2 images are missing: " + (folder_.path() / "none.jpg").string() + " does not exist, " +
                     (folder_.path() / "none2.jpg").string() + " does not exist; paths of images begin at");
  expect_refused("x.csv", "sent0,sent1,sent0\na,b,c\n", "x.csv:1] has two columns \"sent0\"");
  expect_refused("x.csv", "sent0,sent1,score\na,b,2\nc,d,2.0\n",
                 "x.csv] the scores of all 2 pairs are 2, so that no correlation is defined");
  expect_refused("x.tsv", "sent0\tsent1\na\xFF\tb\n", "x.tsv:2] is no UTF-8");
  expect_refused("x.jsonl", "{\"sent0\": 3, \"sent1\": \"b\"}\n",
                 "x.jsonl:1] \"sent0\" has an unexpected type: number");
  expect_refused("x.jsonl", "[1]\n", "x.jsonl:1] is no object");
  expect_refused("x.jsonl", "{\n", "x.jsonl:1");
  EXPECT_THROW(read_pair_file(folder_.path() / "none.csv"), InvalidInput);
}

TEST_F(PairFile, WhatIsMissingMayBeLeftOut) {
  folder_.write("a.jpg", "\xFF\xD8\xFF");
  ImageFiles files(ImageNeed::existing);
  const OwnPairs read =
      read_pair_file(folder_.write("x.csv", "image0,sent1\na.jpg,one\nnone.jpg,two\na.jpg,three\n"), files);
  ASSERT_EQ(read.pairs.size(), 2u);
  EXPECT_EQ(read.pairs[1].second.text, "three");
  EXPECT_EQ(read.left_out, 1u);
}

}  // namespace
}  // namespace e5v::eval
