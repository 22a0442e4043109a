#include "train/run_folder.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/file.h"
#include "base/json.h"
#include "temporary_folder.h"
#include "tensor/safetensors.h"
#include "tensor/safetensors_writer.h"
#include "train/small_model.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

/// What is saved: a model and its optimizer.
struct Trained {
  Trainee model;
  std::vector<TrainedSpan> spans;
  Optimizer optimizer;

  explicit Trained(const std::vector<std::string>& parts = {"lora"}, std::int64_t rank = 2,
                   const std::vector<std::string>& targets = {"v_proj"})
      : model(test::small_checkpoint(), test::small_preparer().preprocess(), options(parts, rank, targets)),
        spans(spans_of(model.parameters())),
        optimizer(spans, {}) {}

  static TraineeOptions options(const std::vector<std::string>& parts, std::int64_t rank,
                                const std::vector<std::string>& targets) {
    TraineeOptions result;
    result.parts = TrainedParts::from(parts);
    result.lora = {.rank = rank, .targets = targets};
    return result;
  }
  static std::vector<TrainedSpan> spans_of(const std::vector<Parameter>& parameters) {
    return {parameters.begin(), parameters.end()};
  }

  /// Moves all parameters and averages to where they were not.
  void step() {
    for (std::size_t i = 0; i < spans.size(); ++i) std::ranges::fill(spans[i].gradient, static_cast<float>(i + 1));
    optimizer.step(spans, 0.01);
  }
};

RunState at_step(std::int64_t step, double best_held_out = 0) { return {step, {}, best_held_out, 0, false}; }

class RunFolderTest : public testing::Test {
 protected:
  fs::path state(const std::string& name) const { return path_ / "checkpoints" / name; }
  std::vector<std::string> states() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path_ / "checkpoints")) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }
  auto open(bool resume, bool replace) const {
    return [this, resume, replace] { RunFolder(path_, resume, replace); };
  }

  e5v::test::TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "run";
};

TEST_F(RunFolderTest, WhatIsSavedIsLoaded) {
  for (const std::vector<std::string>& parts : {std::vector<std::string>{"lora", "projector"}, {"llm"}}) {
    Trained before(parts), after(parts);
    before.step(), before.step();
    const RunFolder run(path_, false, true);
    EXPECT_FALSE(run.newest().has_value());
    run.save({7, {{"option seed", "42"}}, 0.5, 3, true}, before.model, before.optimizer, 1);
    const std::optional<RunState> newest = run.newest();
    ASSERT_TRUE(newest.has_value());
    EXPECT_EQ(newest->step, 7);
    EXPECT_EQ(newest->identity, (RunIdentity{{"option seed", "42"}}));
    EXPECT_EQ(newest->best_held_out, 0.5);
    EXPECT_EQ(newest->worse_evaluations, 3);
    EXPECT_TRUE(newest->best_kept);
    run.load(after.model, after.optimizer);
    for (std::size_t i = 0; i < before.spans.size(); ++i)
      ASSERT_TRUE(std::ranges::equal(after.spans[i].values, before.spans[i].values)) << i;
    EXPECT_EQ(after.optimizer.state().step, 2);
    EXPECT_EQ(after.optimizer.state().mean, before.optimizer.state().mean);
    EXPECT_EQ(after.optimizer.state().square, before.optimizer.state().square);
  }
}

TEST_F(RunFolderTest, TheLastStatesAreKept) {
  Trained trained;
  const RunFolder run(path_, false, false);
  for (const std::int64_t step : {9, 10, 11}) run.save(at_step(step), trained.model, trained.optimizer, 2);
  EXPECT_THAT(states(), ElementsAre("step-00000010", "step-00000011"));
  EXPECT_EQ(run.newest()->step, 11);
}

TEST_F(RunFolderTest, AStateThatIsThereStays) {
  Trained trained;
  const RunFolder run(path_, false, false);
  run.save(at_step(1, 0.25), trained.model, trained.optimizer, 2);
  run.save(at_step(1, 0.75), trained.model, trained.optimizer, 2);
  EXPECT_EQ(run.newest()->best_held_out, 0.25);
}

TEST_F(RunFolderTest, AStateThatCannotBeWrittenIsNotThere) {
  Trained trained;
  const RunFolder run(path_, false, false);
  fs::remove(path_ / "checkpoints");
  EXPECT_THAT([&] { run.save(at_step(1), trained.model, trained.optimizer, 1); },
              ThrowsMessage<InvalidInput>("[" + state("step-00000001").string() +
                                          "] cannot be written: No such file or directory"));
}

TEST_F(RunFolderTest, ARunIsContinuedOrReplacedOnlyWhenThatIsSaid) {
  {
    Trained trained;
    RunFolder(path_, false, false).save(at_step(1), trained.model, trained.optimizer, 1);
  }
  for (const char* made : {"metrics.jsonl", "curves.html"}) write_file_atomically(path_ / made, "x");
  for (const char* made : {"adapter", "model"}) fs::create_directory(path_ / made);
  EXPECT_THAT(open(false, false),
              ThrowsMessage<InvalidInput>("[" + path_.string() +
                                          "] holds a run; option resume continues it, option force starts over"));
  EXPECT_NO_THROW(open(true, false)());
  EXPECT_THAT(states(), ElementsAre("step-00000001"));
  EXPECT_NO_THROW(open(false, true)());
  EXPECT_THAT(states(), ElementsAre());
  for (const char* made : {"metrics.jsonl", "curves.html", "adapter", "model"})
    EXPECT_FALSE(fs::exists(path_ / made)) << made;
}

TEST_F(RunFolderTest, MetricsAloneAreARun) {
  fs::create_directory(path_);
  folder_.write("run/metrics.jsonl", "");
  EXPECT_THAT(open(false, false), ThrowsMessage<InvalidInput>(HasSubstr("holds a run")));
}

TEST_F(RunFolderTest, ResultsOfNoRunAreNotOverwritten) {
  fs::create_directories(path_ / "adapter");
  for (const bool resume : {false, true}) {
    EXPECT_THAT(open(resume, false), ThrowsMessage<InvalidInput>(
                                         "[" + (path_ / "adapter").string() +
                                         "] exists, but the folder has no run that made it; option force replaces it"));
  }
  EXPECT_NO_THROW(open(false, true)());
  EXPECT_FALSE(fs::exists(path_ / "adapter"));
}

TEST_F(RunFolderTest, TwoProcessesDoNotShareIt) {
  const RunFolder first(path_, false, false);
  EXPECT_THAT(open(true, false),
              ThrowsMessage<InvalidInput>("[" + path_.string() + "] another process is training there"));
  EXPECT_NO_THROW(RunFolder{path_}.newest()) << "but one may look at what another one does";
}

TEST_F(RunFolderTest, WhatAKilledSaveLeftIsRemoved) {
  fs::create_directories(state(".step-00000003"));
  const RunFolder run(path_, false, false);
  EXPECT_THAT(states(), ElementsAre());
  EXPECT_FALSE(run.newest().has_value());
}

TEST_F(RunFolderTest, IsAFolderThatCanBeMade) {
  folder_.write("run", "");
  EXPECT_THAT(open(false, false), ThrowsMessage<InvalidInput>("[" + path_.string() + "] is a file, expected a folder"));
  path_ /= "below";
  EXPECT_THAT(open(false, false),
              ThrowsMessage<InvalidInput>("[" + path_.string() + "] cannot be created: Not a directory"));
}

TEST_F(RunFolderTest, BrokenStatesAreSaid) {
  const RunFolder run(path_, false, false);
  fs::create_directory(state("step-00000001"));
  const fs::path file = state("step-00000001") / "state.json";
  const auto newest = [&](const std::string& content) {
    write_file_atomically(file, content);
    return [&] { run.newest(); };
  };
  EXPECT_THAT([&] { run.newest(); }, ThrowsMessage<InvalidInput>(StartsWith("[" + file.string() + "]")));
  EXPECT_THAT(newest("{"), ThrowsMessage<InvalidInput>(StartsWith("[" + file.string())));
  EXPECT_THAT(newest("{\"step\": 1}"),
              ThrowsMessage<InvalidInput>(StartsWith("[" + file.string() + "] is no state of a run: ")));
  EXPECT_THAT(newest("{\"step\": \"one\"}"), ThrowsMessage<InvalidInput>(HasSubstr("\"step\" has an unexpected type")));
}

TEST_F(RunFolderTest, StatesOfOtherAdaptersAreRefused) {
  Trained trained;
  const RunFolder run(path_, false, false);
  run.save(at_step(1), trained.model, trained.optimizer, 1);
  const std::string where = "[" + state("step-00000001").string() + "] ", first = "language_model.layers.0.self_attn.";
  const auto load = [&](std::int64_t rank, const std::vector<std::string>& targets) {
    return [&run, rank, targets] {
      Trained other({"lora"}, rank, targets);
      run.load(other.model, other.optimizer);
    };
  };
  EXPECT_NO_THROW(load(2, {"v_proj"})());
  EXPECT_THAT(load(2, {"q_proj", "v_proj"}), ThrowsMessage<InvalidInput>(where + "has 4 adapters, the run 8"));
  EXPECT_THAT(load(3, {"v_proj"}),
              ThrowsMessage<InvalidInput>(where + "has an adapter of rank 2 for " + first +
                                          "v_proj, the run one of rank 3 for " + first + "v_proj"));
  EXPECT_THAT(load(2, {"k_proj"}),
              ThrowsMessage<InvalidInput>(HasSubstr("v_proj, the run one of rank 2 for " + first + "k_proj")));
}

TEST_F(RunFolderTest, AveragesThatAreMissingAreNamed) {
  Trained trained;
  const RunFolder run(path_, false, false);
  run.save(at_step(1), trained.model, trained.optimizer, 1);
  const fs::path file = state("step-00000001") / "optimizer.safetensors";
  tensor::SafetensorsWriter(file, {}).finish();
  EXPECT_THAT([&] { run.load(trained.model, trained.optimizer); },
              ThrowsMessage<InvalidInput>("[" + file.string() +
                                          "] expected 256 numbers of "
                                          "\"mean.language_model.layers.0.self_attn.v_proj.lora_A\""));
}

TEST(RequireSameRun, NamesEveryDifference) {
  const RunIdentity now{{"option seed", "42"}, {"the data", "ab"}};
  EXPECT_NO_THROW(require_same_run(now, now));
  EXPECT_THAT(
      [&] {
        require_same_run({{"option seed", "41"}, {"option batch", "3"}}, now);
      },
      ThrowsMessage<InvalidInput>(
          "[resume] the run was started with other options: option seed was 41, is 42; the data "
          "was not given, is ab; option batch was 3, is not given"));
}

}  // namespace
}  // namespace e5v::train
