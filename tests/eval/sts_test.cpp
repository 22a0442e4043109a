#include "eval/sts.h"

#include <gmock/gmock.h>

#include "api/model.h"
#include "base/error.h"
#include "eval/correlation.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A folder of data that tests fill.
class Sts : public testing::Test {
 protected:
  test::TemporaryFolder folder_;

  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    folder_.write(name, content);
  }
  void write_sts13() const {
    write("STS/STS13-en-test/STS.input.FNWN.txt", "a  cat \tthe cat\nno score\thas it\nan \xC3\xA4pple\ta pear\r\n");
    write("STS/STS13-en-test/STS.gs.FNWN.txt", "4.5\n\n1\n");
    for (const std::string name : {"headlines", "OnWN"}) {
      write("STS/STS13-en-test/STS.input." + name + ".txt", "one\ttwo\nthree\tfour\n");
      write("STS/STS13-en-test/STS.gs." + name + ".txt", "0.2\n5\n");
    }
  }
  void expect_refused(const std::string& task, const std::string& part) const {
    try {
      read_sts(folder_.path(), task);
      FAIL() << "accepted, expected: " << part;
    } catch (const InvalidInput& error) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
};

TEST_F(Sts, ReadsAYearAndPassesOverPairsWithoutScores) {
  write_sts13();
  const std::vector<StsSet> sets = read_sts(folder_.path(), "STS13");
  ASSERT_EQ(sets.size(), 3u);
  EXPECT_EQ(sets[0].name, "FNWN");
  EXPECT_THAT(sets[0].first, ElementsAre("a cat", "an \xC3\xA4pple"));
  EXPECT_THAT(sets[0].second, ElementsAre("the cat", "a pear"));
  EXPECT_THAT(sets[0].gold, ElementsAre(4.5, 1));
}

TEST_F(Sts, ReadsTheBenchmarkAndSick) {
  write("STS/STSBenchmark/sts-test.csv", "g\tf\ty\t1\t2.5\ta \"girl\" .\ta boy\nmain\tMSR\t2012\t2\t0\tx\ty\textra\n");
  write("SICK/SICK_test_annotated.txt",
        "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tjudgment\n6\tone\ttwo\t3.3\tNEUTRAL\n7\ta\tb\t1\tX\n");
  const StsSet benchmark = read_sts(folder_.path(), "STSB").at(0), sick = read_sts(folder_.path(), "SICKR").at(0);
  EXPECT_THAT(benchmark.first, ElementsAre("a \"girl\" .", "x"));
  EXPECT_THAT(benchmark.gold, ElementsAre(2.5, 0));
  EXPECT_THAT(sick.second, ElementsAre("two", "b"));
  EXPECT_THAT(sick.gold, ElementsAre(3.3, 1));
}

TEST_F(Sts, ScoresDiffer) {
  write("STS/STSBenchmark/sts-test.csv", "g\tf\ty\t1\t2.5\ta\tb\nmain\tMSR\t2012\t2\t2.5\tx\ty\n");
  expect_refused("STSB", ": STSB] the scores of all 2 pairs are 2.5, so that no correlation is defined");
}

TEST_F(Sts, AByteOrderMarkIsNoWord) {
  write_sts13();
  write("STS/STS13-en-test/STS.input.FNWN.txt",
        "\xEF\xBB\xBF"
        "a cat\tthe cat\r\nno score\tx\r\nan apple\ta pear\r\n");
  write("STS/STS13-en-test/STS.gs.FNWN.txt",
        "\xEF\xBB\xBF"
        "4.5\r\n\r\n1\r\n");
  const std::vector<StsSet> sets = read_sts(folder_.path(), "STS13");
  EXPECT_THAT(sets[0].first, ElementsAre("a cat", "an apple"));
  EXPECT_THAT(sets[0].gold, ElementsAre(4.5, 1));
}

TEST_F(Sts, NamesTheFirstFileThatIsMissing) {
  expect_refused("STS12", "STS.gs.MSRpar.txt] is missing; expected SentEval's data folder");
  expect_refused("STSB", "sts-test.csv] is missing");
  expect_refused("STS99", "is no task");
  EXPECT_THROW(read_sts(folder_.path() / "none", "STSB"), InvalidInput);
}

TEST_F(Sts, NamesTheLineThatIsWrong) {
  write_sts13();
  write("STS/STS13-en-test/STS.gs.OnWN.txt", "0.2\nhigh\n");
  expect_refused("STS13", "STS.gs.OnWN.txt:2] \"high\" is no score");
  for (const std::string score : {"nan", "inf", "-inf"}) {
    write("STS/STS13-en-test/STS.gs.OnWN.txt", "0.2\n" + score + "\n");
    expect_refused("STS13", "STS.gs.OnWN.txt:2] \"" + score + "\" is no score");
  }
  write("STS/STS13-en-test/STS.gs.OnWN.txt", "0.2\n1\n3\n");
  expect_refused("STS13", "3 scores for 2 pairs");
  write("STS/STS13-en-test/STS.gs.OnWN.txt", "0.2\n");
  expect_refused("STS13", "STS.input.OnWN.txt:2] has no score");
  write("STS/STS13-en-test/STS.gs.OnWN.txt", "0.2\n1\n");
  write("STS/STS13-en-test/STS.input.OnWN.txt", "one two\nthree\tfour\n");
  expect_refused("STS13", "has no tab");
  write("STS/STS13-en-test/STS.input.OnWN.txt", "one\ttwo\nthr\xFF\tfour\n");
  expect_refused("STS13", "no UTF-8");
  write("SICK/SICK_test_annotated.txt", "header\n6\tone\n");
  expect_refused("SICKR", "SICK_test_annotated.txt:2] has 2 columns");
  write("SICK/SICK_test_annotated.txt", "header\n");
  expect_refused("SICKR", "SICK_test_annotated.txt] has 0 pairs with a score, expected at least 2");
}

TEST_F(Sts, FiguresAreTheCorrelationOfTheModelsCosines) {
  write_sts13();
  test::TemporaryFolder store;
  Encoder encoder(test::tiny_model(), test::encoder_options(), store.path(), {});
  const Result result =
      evaluate_sts(encoder, {"STS13"}, read_sts(folder_.path(), std::vector<std::string>{"STS13"}), "sts");
  ASSERT_EQ(result.figures.size(), 1u);
  EXPECT_EQ(result.figures[0].paper, 89.94);
  std::vector<double> gold, cosines;
  test::Model embedder(test::tiny_model(), test::quick("sts"));
  for (const StsSet& set : read_sts(folder_.path(), "STS13")) {
    for (std::size_t i = 0; i < set.gold.size(); ++i) {
      const Embeddings both =
          embedder.embed(std::vector{Input::from_text(set.first[i]), Input::from_text(set.second[i])});
      gold.push_back(set.gold[i]);
      cosines.push_back(cosine(both.row(0), both.row(1)));
    }
  }
  EXPECT_NEAR(result.figures[0].value, 100 * spearman(gold, cosines), 1e-9);
}

}  // namespace
}  // namespace e5v::eval
