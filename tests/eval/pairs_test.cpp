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
  Result evaluate(const std::vector<OwnPair>& pairs) const {
    Encoder encoder(test::tiny_model(), test::encoder_options(), folder_.path() / "store", {});
    return evaluate_pairs(encoder, pairs, {.name = "own"});
  }
};

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
  const Embeddings pure = vector(Input::from_image(image), "image"), text = vector(Input::from_text("a cat"), "text"),
                   changed = vector(Input::composed(other, "in red"), "cirr-query");
  ASSERT_EQ(result.best.size(), 2u);
  for (const Example& example : result.best)
    for (const Example::Found& found : example.found) {
      const Embeddings& query = example.query.text.empty() ? pure : changed;
      const Embeddings& candidate = found.candidate.text.empty() ? pure : text;
      EXPECT_NEAR(found.score, cosine(query.row(0), candidate.row(0)), 1e-5);
    }
}

}  // namespace
}  // namespace e5v::eval
