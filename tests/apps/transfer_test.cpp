// e5v eval transfer.
#include "apps/process.h"
#include "base/json.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class TransferProgram : public testing::Test {
 protected:
  TemporaryFolder folder_;

  void write_mr() const {
    std::string good, bad;
    for (int i = 0; i < 9; ++i) good += "a good film\n", bad += "dull and far too long\n";
    fs::create_directories(folder_.path() / "MR");
    folder_.write("MR/rt-polarity.pos", good);
    folder_.write("MR/rt-polarity.neg", bad);
  }
  Outcome transfer(std::vector<std::string> more) const {
    std::vector<std::string> arguments{
        "eval",         "transfer",  "--model", model_folder(), "--data",
        folder_.path(), "--threads", "1",       "--store",      folder_.path() / "store"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
};

TEST_F(TransferProgram, PrintsAccuraciesAndNoPublishedFigures) {
  write_mr();
  const fs::path figures = folder_.path() / "figures.json";
  const Outcome outcome = transfer({"--tasks", "MR", "--folds", "3", "--json", figures});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, testing::StartsWith("Classification of sentences (accuracy x 100)\n"));
  EXPECT_THAT(outcome.out, testing::AllOf(HasSubstr("MR    100.00\n"), HasSubstr("prompt: sts\n"),
                                          testing::Not(HasSubstr("paper"))));
  const Json json = Json::parse(content_of(figures));
  EXPECT_EQ(json.at("task"), "transfer");
  EXPECT_EQ(json.at("computed"), 2) << "each sentence once";
  EXPECT_EQ(transfer({"--tasks", "MR", "--folds", "3", "--prompt", "last-token-text"}).code, 0);
}

TEST_F(TransferProgram, MistakesAreNamedBeforeTheModelIsLoaded) {
  write_mr();
  expect_failure(transfer({}), 1, "custrev.pos] is missing; expected SentEval's data folder");
  EXPECT_FALSE(fs::exists(folder_.path() / "store"));
  expect_failure(transfer({"--tasks", "MR,SST5"}), 2, "--tasks");
  expect_failure(transfer({"--tasks", "MR", "--folds", "1"}), 2, "expected a whole number from 2");
  expect_failure(transfer({"--tasks", "MR"}), 1, "every class has fewer items than the 10 folds");
}

}  // namespace
}  // namespace e5v::test
