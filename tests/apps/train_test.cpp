// e5v train and e5v merge as their users run them.
#include <gmock/gmock.h>

#include "apps/process.h"
#include "base/json.h"
#include "train/metrics_log.h"

namespace e5v::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kPairsCsv =
    "sent0,sent1,hard_neg\nTwo dogs run.,Dogs are running.,A cat sleeps.\nHe reads.,A man is reading.,Nobody reads.\n"
    "It is cold.,The day is freezing.,It is hot.\nShe sings.,A woman is singing.,She is silent.\n"
    "Rain again.,It rains.,The sun shines.\nThe bus left.,The bus is gone.,The bus waits.\n";

class Train : public testing::Test {
 protected:
  fs::path path(const std::string& name) const { return folder_.path() / name; }

  /// A short run on a file of pairs; `more` may override.
  std::vector<std::string> arguments(const std::string& pairs, const std::string& output,
                                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all{"--pairs",       path(pairs).string(),
                                 "--output",      path(output).string(),
                                 "--batch",       "4",
                                 "--micro-batch", "2",
                                 "--steps",       "4",
                                 "--warmup",      "1",
                                 "--rank",        "4",
                                 "--lr",          "2e-3"};
    for (std::size_t i = 0; i < more.size(); ++i) {
      const auto given = std::ranges::find(all, more[i]);
      if (given == all.end() || !more[i].starts_with("--")) {
        all.push_back(more[i]);
      } else {
        *(given + 1) = more[++i];
      }
    }
    return with_model("train", all);
  }
  Outcome train(const std::string& pairs, const std::string& output, const std::vector<std::string>& more = {}) const {
    return run(arguments(pairs, output, more));
  }

  TemporaryFolder folder_;
  fs::path pairs_ = folder_.write("pairs.csv", kPairsCsv);
};

TEST_F(Train, AdapterAndMergedModelGiveOneVector) {
  const Outcome trained = train("pairs.csv", "run");
  EXPECT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.err,
              AllOf(HasSubstr("6 pairs, 4 steps of 4"), HasSubstr("step 4/4"), HasSubstr("contains adapter/")));
  const Outcome merged = run({"merge", "--model", model_folder(), "--adapter", path("run/adapter").string(), "--output",
                              path("merged").string()});
  EXPECT_EQ(merged.code, 0) << merged.err;
  const auto vector_of = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"embed", "--text", "Dogs are running."});
    const Outcome outcome = run(more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return Json::parse(outcome.out).at("embedding").get<std::vector<double>>();
  };
  const auto plain = vector_of({"--model", model_folder()});
  const auto attached = vector_of({"--model", model_folder(), "--adapter", path("run/adapter").string()});
  const auto whole = vector_of({"--model", path("merged").string()});
  double change = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_NEAR(attached[i], whole[i], 1e-5);
    change = std::max(change, std::abs(attached[i] - plain[i]));
  }
  EXPECT_GT(change, 1e-3);
  EXPECT_THAT(
      run({"merge", "--model", model_folder(), "--adapter", path("run").string(), "--output", path("other").string()})
          .err,
      HasSubstr("is no adapter: it has no adapter_config.json"));
  const std::string adapter = path("run/adapter").string();
  expect_failure(run({"merge", "--model", model_folder(), "--adapter", adapter, "--output", adapter, "--force"}), 1,
                 "adapter] is the adapter's own folder");
  expect_failure(run({"merge", "--model", model_folder(), "--adapter", adapter, "--output", pairs_.string()}), 1,
                 "pairs.csv] is a file, expected a folder");
}

TEST_F(Train, ProcessesThatShareTheWorkOfMuonHaveTheLossesOfOne) {
  if (std::string(E5V_MPIRUN).empty()) GTEST_SKIP() << "CMake has not found MPI";
  const auto arguments_of = [&](const std::string& output) {
    return with_model(
        "train", {"--pairs", path("pairs.csv").string(), "--output", path(output).string(), "--train", "llm", "--muon",
                  "--batch", "6", "--micro-batch", "6", "--steps", "8", "--warmup", "1", "--lr", "2e-3"});
  };
  ASSERT_EQ(run(arguments_of("one")).code, 0);
  const auto one_log = train::read_metrics(path("one/metrics.jsonl"));
  ASSERT_EQ(one_log.size(), 8u);
  EXPECT_GT(std::abs(one_log[0].values.at("loss") - one_log[7].values.at("loss")), 1e-2) << "something is learned";
  for (const int ranks : {2, 3}) {  // the number of matrices is no multiple of one of them
    const std::string name = std::to_string(ranks);
    const Outcome shared = run_processes(ranks, arguments_of(name));
    ASSERT_EQ(shared.code, 0) << shared.err;
    const auto log = train::read_metrics(path(name + "/metrics.jsonl"));
    ASSERT_EQ(log.size(), 8u);
    for (std::size_t i = 0; i < 8; ++i)
      EXPECT_NEAR(one_log[i].values.at("loss"), log[i].values.at("loss"), 1e-4) << ranks << " " << i;
  }
}

TEST_F(Train, TwoProcessesHaveTheLossesOfOne) {
  if (std::string(E5V_MPIRUN).empty()) GTEST_SKIP() << "CMake has not found MPI";
  const std::vector<std::string> more{"--steps", "20", "--batch", "5"};
  ASSERT_EQ(train("pairs.csv", "one", more).code, 0);
  const auto one_log = train::read_metrics(path("one/metrics.jsonl"));
  ASSERT_EQ(one_log.size(), 20u);
  // Shares are 2 and 3 of 5, and none and 1 of the last: in two parts, and as a whole where each rank has some.
  for (const std::string micro_batch : {"2", "3"}) {
    std::vector<std::string> all = more;
    all.insert(all.end(), {"--micro-batch", micro_batch});
    const Outcome two = run_processes(2, arguments("pairs.csv", "two" + micro_batch, all));
    ASSERT_EQ(two.code, 0) << two.err;
    const auto two_log = train::read_metrics(path("two" + micro_batch + "/metrics.jsonl"));
    ASSERT_EQ(two_log.size(), 20u);
    for (std::size_t i = 0; i < 20; ++i) {
      EXPECT_NEAR(one_log[i].values.at("loss"), two_log[i].values.at("loss"), 1e-5) << i;
      EXPECT_NEAR(one_log[i].values.at("grad_norm"), two_log[i].values.at("grad_norm"), 1e-3) << i;
    }
  }
  const Outcome broken = run_processes(2, arguments("pairs.csv", "three", {"--targets", "q"}));
  EXPECT_NE(broken.code, 0);
  EXPECT_THAT(broken.err, HasSubstr("no matrix is called \"q\""));
}

TEST_F(Train, BadInputIsSaidInOneLine) {
  folder_.write("empty.csv", "");
  folder_.write("columns.csv", "text,label\na,b\n");
  const auto error_of = [&](const std::string& pairs, std::vector<std::string> more = {}) {
    const Outcome outcome = train(pairs, "run", std::move(more));
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
    return outcome.err;
  };
  EXPECT_THAT(error_of("empty.csv"), HasSubstr("empty.csv"));
  EXPECT_THAT(error_of("columns.csv"), AllOf(HasSubstr("columns.csv"), HasSubstr("sent0")));
  EXPECT_THAT(error_of("none.csv"), HasSubstr("none.csv"));
  EXPECT_THAT(error_of("pairs.csv", {"--targets", "q_proj,w_proj"}), HasSubstr("no matrix is called \"w_proj\""));
  EXPECT_THAT(error_of("pairs.csv", {"--train", "head"}), HasSubstr("there are lora, llm, projector, vision, all"));
  EXPECT_THAT(error_of("pairs.csv", {"--together", "1"}), HasSubstr("--together is 1, expected 0, or 2 or more"));
  EXPECT_THAT(error_of("pairs.csv", {"--beta2", "1"}), HasSubstr("--beta2 1 is not in [0, 1)"));
  EXPECT_THAT(error_of("pairs.csv", {"--held-out", "6"}),
              HasSubstr("pairs.csv] has 6 rows, expected more than are held out: 6"));
  folder_.write("latin.csv", "sent0,sent1\xff\na,b\n");
  EXPECT_THAT(error_of("latin.csv"), HasSubstr("latin.csv:1] is not valid UTF-8"));
  folder_.write("alone.csv", "sent0,sent1\na,b\n");
  EXPECT_THAT(error_of("alone.csv"),
              HasSubstr("alone.csv] a batch of one pair without hard negatives has no negatives"));
  EXPECT_THAT(error_of(""), HasSubstr("is a folder, expected a file of pairs"));
  EXPECT_THAT(error_of("pairs.csv", {"--output", model_folder()}), HasSubstr("is the model's own folder"));
  EXPECT_THAT(error_of("pairs.csv", {"--output", pairs_.string()}),
              HasSubstr("pairs.csv] is a file, expected a folder"));
  const Outcome usage = run(with_model("train", {"--output", path("run").string()}));
  EXPECT_EQ(usage.code, 2);
  EXPECT_THAT(usage.err, HasSubstr("--pairs or --captions"));
}

TEST_F(Train, NumbersBeyondWhatDataAndModelAllowAreRefusedByName) {
  const std::string most = "9223372036854775807";
  folder_.write("quote.csv", "sent0,sent1\na,b\nc,\"d\ne,\"f\n");
  folder_.write("open.csv", "sent0,sent1\na,b\nc,\"d\n");
  folder_.write("grouped.csv", "sent0,sent1,group\na,b,x\nc,d,x\ne,f,\ng,h,\n");
  const auto refused = [&](const std::string& pairs, const std::vector<std::string>& more, int code,
                           const std::string& part) {
    SCOPED_TRACE(testing::PrintToString(more));
    const Outcome outcome = train(pairs, "run", more);
    expect_failure(outcome, code, part);
    EXPECT_FALSE(fs::exists(path("run")));
  };
  refused("pairs.csv", {"--batch", "7"}, 1, "pairs.csv] --batch 7 is more than the 6 training pairs");
  refused("pairs.csv", {"--batch", "5", "--held-out", "2"}, 1, "--batch 5 is more than the 4 training pairs");
  refused("pairs.csv", {"--rank", "33"}, 1, "--rank is 33, expected a number from 1 to 32: k_proj is 32 x 128");
  refused("pairs.csv", {"--rank", "129", "--targets", "q_proj"}, 1, "from 1 to 128: q_proj is 128 x 128");
  refused("pairs.csv", {"--together", "2"}, 1, "pairs.csv] no row has a group, which --together 2 brings together");
  refused("grouped.csv", {"--together", "5"}, 1, "--together 5 is more than the 4 pairs of a batch");
  refused("pairs.csv", {"--lr", "10", "--weight-decay", "1"}, 1, "--lr 10 times --weight-decay 1 is more than 1");
  refused("pairs.csv", {"--temperature", "1e-30"}, 2, "--temperature: expected a number from 0.001 to 100");
  for (const char* option : {"--batch", "--rank", "--micro-batch", "--steps", "--warmup", "--together", "--held-out"})
    refused("pairs.csv", {option, most}, 2, std::string(option) + ": expected a whole number from ");
  refused("open.csv", {}, 1,
          "no negatives; 1 bad row left out, 1 good: [" + path("open.csv").string() + ":3] a quote is not closed");
  refused("quote.csv", {}, 1,
          "no negatives; 1 bad row left out, 1 good: [" + path("quote.csv").string() +
              ":3] text follows a closing quote; perhaps a quote before it is not closed");
}

TEST_F(Train, DefaultsGiveWayToSmallDataAndSmallModelsWithAWord) {
  const Outcome outcome = run(
      with_model("train", {"--pairs", path("pairs.csv").string(), "--steps", "1", "--output", path("run").string()}));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("6 pairs, 1 step of 6"), HasSubstr("a step has 6 pairs instead of 64"),
                                 HasSubstr("adapters have rank 32 instead of 64"),
                                 HasSubstr("the warmup of 100 steps is longer than the run")));
}

TEST_F(Train, NumbersThatMeanNothingAreWrongUsage) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"--lr", "-1"}, "--lr: expected a number from 0 to 10, found -1"},
      {{"--lr", "nan"}, "--lr: expected a number from 0 to 10, found nan"},
      {{"--alpha", "inf"}, "--alpha: expected a number from 0 to 1000000, found inf"},
      {{"--clip", "0"}, "--clip: expected a number from 1e-06 to 1000000000000, found 0"},
      {{"--temperature", "0"}, "--temperature: expected a number from 0.001 to 100, found 0"},
      {{"--epochs", "two"}, "--epochs: expected a number from 1e-06 to 1000000, found two"},
      {{"--resume", "--force"}, "--resume excludes --force"},
      {{"--caption-prompt", "poem"}, "--caption-prompt: [prompt] \"poem\" is no prompt"},
      {{"--caption-prompt", "text"}, "--caption-prompt: expected a prompt with <image> alone, found text"}};
  for (const auto& [more, part] : cases) {
    expect_failure(train("pairs.csv", "run", more), 2, part);
    EXPECT_FALSE(fs::exists(path("run"))) << part;
  }
}

TEST_F(Train, FullDiskKeepsTheStateBefore) {
  ASSERT_EQ(train("pairs.csv", "run", {"--steps", "2"}).code, 0);
  const std::string before = content_of(path("run/checkpoints/step-00000002/optimizer.safetensors"));
  // A limit that metrics fit in and a state does not.
  std::string command = "ulimit -f 64; exec \"$0\" \"$@\"";
  std::vector<std::string> all{"-c", command, E5V_PROGRAM};
  const auto run_arguments = arguments("pairs.csv", "full", {"--save-every", "1"});
  all.insert(all.end(), run_arguments.begin(), run_arguments.end());
  const Outcome full = Process(all, "/dev/null", "/bin/bash").wait();
  EXPECT_EQ(full.code, 1) << full.err;
  EXPECT_THAT(full.err, HasSubstr("cannot be written: File too large"));
  EXPECT_TRUE(fs::is_empty(path("full/checkpoints")));
  // The same with a state that is there already.
  const auto resumed = arguments("pairs.csv", "run", {"--steps", "2", "--resume"});
  all.resize(3);
  all.insert(all.end(), resumed.begin(), resumed.end());
  Process(all, "/dev/null", "/bin/bash").wait();
  EXPECT_EQ(content_of(path("run/checkpoints/step-00000002/optimizer.safetensors")), before);
}

TEST_F(Train, InterruptedRunsGoOn) {
  Process process(arguments("pairs.csv", "run", {"--steps", "100000"}));
  for (int i = 0; i < 3000 && content_of(path("run/metrics.jsonl")).empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  process.send(SIGINT);
  const Outcome stopped = process.wait();
  EXPECT_EQ(stopped.code, 130);
  EXPECT_THAT(stopped.err, HasSubstr("interrupted; continue with --resume"));
  EXPECT_THAT(train("pairs.csv", "run").err, HasSubstr("--resume continues it"));
  EXPECT_THAT(train("pairs.csv", "run", {"--resume"}).err,
              HasSubstr("the number of steps (--epochs, --steps) was 100000, is 4"));
}

TEST_F(Train, ResultsOfNoRunAreNotReplacedUnasked) {
  fs::create_directories(path("run/adapter"));
  const fs::path mine = folder_.write("run/adapter/adapter_config.json", "mine"),
                 lock = folder_.write("run/train.lock", "mine, too");
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--resume"}})
    expect_failure(train("pairs.csv", "run", more), 1, "run/adapter] exists, but the folder has no run that made it");
  EXPECT_EQ(content_of(mine), "mine");
  EXPECT_EQ(content_of(lock), "mine, too");
  EXPECT_EQ(train("pairs.csv", "run", {"--force"}).code, 0);
}

}  // namespace
}  // namespace e5v::test
