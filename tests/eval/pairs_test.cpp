#include "eval/pairs.h"

#include <gmock/gmock.h>

#include "api/model.h"
#include "base/error.h"
#include "eval/correlation.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace e5v::eval {
namespace {

using testing::HasSubstr;

class Pairs : public testing::Test {
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
  Result evaluate(const std::vector<OwnPair>& pairs) const {
    Encoder encoder(test::tiny_model(), test::encoder_options(), folder_.path() / "store", {});
    return evaluate_pairs(encoder, pairs, {.name = "own"});
  }
};

TEST_F(Pairs, ReadsTablesAndLines) {
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

TEST_F(Pairs, RefusesWhatIsWrongAndSaysWhere) {
  expect_refused("x.txt", "a\tb\n", "x.txt] is of no kind that is known; expected columns");
  expect_refused("x.csv", "sent0,sentence2\na,b\n", "x.csv:1] \"sentence2\" is no column that is known");
  expect_refused("x.csv", "sent0,sent1\na,b\nc\n", "x.csv:3] has 1 fields, expected 2");
  expect_refused("x.csv", "sent0,score\na,1\nb,2\n", "x.csv:2] has no sent1 or image1");
  expect_refused("x.csv", "sent0,sent1\na,b\n", "has 1 pair, expected at least 2");
  expect_refused("x.csv", "sent0,sent1,score\na,b,high\n", "x.csv:2] \"high\" is no score");
  expect_refused("x.csv", "sent0,sent1,score\na,b,1\nc,d,\n", "1 of 2 pairs have a score, expected all or none");
  expect_refused("x.csv", "sent0,sent1\n\"a\nb\",c\nd,\"e\n", "x.csv:4] a quote is not closed");
  expect_refused("x.tsv", "sent0\timage1\na\tnone.jpg\nb\tnone2.jpg\n",
                 "x.tsv] 2 of 2 pictures are missing: " + (folder_.path() / "none.jpg").string() + " does not exist, " +
                     (folder_.path() / "none2.jpg").string() + " does not exist; paths of pictures begin at");
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

TEST_F(Pairs, WhatIsMissingMayBeLeftOut) {
  folder_.write("a.jpg", "\xFF\xD8\xFF");
  PictureFiles files(PictureNeed::existing);
  const OwnPairs read =
      read_pair_file(folder_.write("x.csv", "image0,sent1\na.jpg,one\nnone.jpg,two\na.jpg,three\n"), files);
  ASSERT_EQ(read.pairs.size(), 2u);
  EXPECT_EQ(read.pairs[1].second.text, "three");
  EXPECT_EQ(read.left_out, 1u);
}

TEST_F(Pairs, EqualCosinesLeaveNoCorrelation) {
  // Halves of one content: all cosines are exactly 1, not 1 up to rounding.
  const auto pairs = read("x.csv", "sent0,sent1,score\none,one,1\ntwo,two,2\nthree,three,3\nfour,four,5\n");
  try {
    evaluate(pairs);
    FAIL() << "a correlation of noise";
  } catch (const InvalidInput& error) {
    EXPECT_STREQ(error.what(),
                 "[Pairs, own] the model's cosines of all 4 pairs are 1, so that no correlation is defined");
  }
}

TEST_F(Pairs, WithScoresFiguresAreCorrelationsOfTheCosines) {
  const auto pairs = read("x.tsv",
                          "sent0\tsent1\tscore\na cat\ta dog\t1\na cat\ta cat\t5\na house\tit rains\t0\n"
                          "we go\tthey went home\t2\n");
  const Result result = evaluate(pairs);
  std::vector<double> gold, cosines;
  test::Model embedder(test::tiny_model(), test::quick("text"));
  for (const OwnPair& pair : pairs) {
    const Embeddings both =
        embedder.embed(std::vector{Input::from_text(pair.first.text), Input::from_text(pair.second.text)});
    gold.push_back(*pair.score);
    cosines.push_back(cosine(both.row(0), both.row(1)));
  }
  ASSERT_EQ(result.figures.size(), 2u);
  EXPECT_EQ(result.figures[0].name, "Spearman");
  EXPECT_NEAR(result.figures[0].value, 100 * spearman(gold, cosines), 1e-9);
  EXPECT_NEAR(result.figures[1].value, 100 * pearson(gold, cosines), 1e-3);
  EXPECT_EQ(result.disagreed.size(), 4u);
}

TEST_F(Pairs, WithoutScoresHalvesLookForTheirPartners) {
  // Halves of one content are found at once: their vectors are equal.
  const auto pairs = read("x.csv", "sent0,sent1\none,one\ntwo,two\nthree,three\none,two\n");
  const Result result = evaluate(pairs);
  ASSERT_EQ(result.figures.size(), 6u);
  EXPECT_EQ(result.figures[0].name, "first to second R@1");
  EXPECT_EQ(result.figures[0].value, 100);
  EXPECT_EQ(result.figures[3].value, 100);
  EXPECT_EQ(result.facts[1].second, "3, 3") << "equal halves are one candidate";
  for (const Example& example : result.best)
    EXPECT_EQ(std::ranges::count(example.found, true, &Example::Found::right), example.query.text == "one" ? 2 : 1);
}

TEST_F(Pairs, EachKindOfHalfHasItsPrompt) {
  const std::string image = test::golden("images/img04_tiny_3x2.png").string(),
                    other = test::golden("images/img18_dark_90x60.png").string();
  const auto pairs = read("x.jsonl", "{\"image0\": \"" + image + "\", \"sent1\": \"a cat\"}\n{\"image0\": \"" + other +
                                         "\", \"sent0\": \"in red\", \"image1\": \"" + image + "\"}\n");
  const Result result = evaluate(pairs);
  const auto vector = [](const Input& input, const std::string& prompt) {
    return test::Model(test::tiny_model(), test::quick(prompt)).embed(std::vector{input});
  };
  const Embeddings picture = vector(Input::from_image(image), "image"),
                   text = vector(Input::from_text("a cat"), "text"),
                   changed = vector(Input::composed(other, "in red"), "cirr-query");
  ASSERT_EQ(result.best.size(), 2u);
  for (const Example& example : result.best)
    for (const Example::Found& found : example.found) {
      const Embeddings& query = example.query.text.empty() ? picture : changed;
      const Embeddings& candidate = found.candidate.text.empty() ? picture : text;
      EXPECT_NEAR(found.score, cosine(query.row(0), candidate.row(0)), 1e-5);
    }
}

}  // namespace
}  // namespace e5v::eval
