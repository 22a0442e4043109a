#include "train/trainer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/file.h"
#include "embed/vector_run.h"
#include "golden.h"
#include "ops/accelerator.h"
#include "temporary_folder.h"
#include "train/metrics_log.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;
using test::golden;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kPairs =
    "sent0,sent1,hard_neg\n"
    "Two dogs run.,Dogs are running.,A cat sleeps.\n"
    "He reads a book.,A man is reading.,Nobody reads.\n"
    "It is cold.,The day is freezing.,It is hot.\n"
    "She sings.,A woman is singing.,She is silent.\n"
    "bad row\n"
    "\"Rain, again.\",It rains.,The sun shines.\n"
    "The bus left.,The bus is gone.,The bus waits.\n"
    "Snow fell.,It snowed.,No snow fell.\n";

/// A short run on the tiny checkpoint.
struct Fixture {
  test::TemporaryFolder folder;
  TrainOptions options;
  TrainHooks hooks;
  std::vector<std::string> said;
  std::vector<StepReport> reports;

  Fixture() {
    options.model = golden("ckpt/tiny-small-f32");
    options.output = folder.path() / "run";
    options.data.sources = {{folder.write("pairs.csv", kPairs), Objective::contrastive}};
    options.data.batch = 3;
    options.micro_batch = 2;
    options.steps = 6;
    options.warmup = 2;
    options.trainee.lora = {.rank = 4, .alpha = 8, .dropout = 0.1, .targets = {"q_proj", "down_proj"}};
    options.save_every = 2;
    options.evaluate_every = 2;
    hooks.say = [this](const std::string& message) { said.push_back(message); };
    hooks.step = [this](const StepReport& report) { reports.push_back(report); };
  }

  void run() {
    reports.clear();
    train(options, hooks, ranks::Group());
  }

  /// Runs, and stops behind a step.
  void run_until(std::int64_t step) {
    hooks.check_stop = [this, step] {
      if (!reports.empty() && reports.back().step == step) throw embed::Interrupted();
    };
    EXPECT_THROW(run(), embed::Interrupted);
    hooks.check_stop = nullptr;
  }

  std::vector<std::string> states() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(options.output / "checkpoints"))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }

  std::vector<StepMetrics> metrics() const { return read_metrics(options.output / "metrics.jsonl"); }
};

void expect_same_losses(const std::vector<StepMetrics>& found, const std::vector<StepMetrics>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].step, expected[i].step);
    for (const std::string_view name :
         {metric::kLoss, metric::kGradientNorm, metric::kLearningRate, metric::kAccuracy}) {
      EXPECT_EQ(found[i].values.at(std::string(name)), expected[i].values.at(std::string(name))) << i << " " << name;
    }
  }
}

TEST(Trainer, LeavesAdapterMetricsAndCurves) {
  Fixture fixture;
  fixture.options.data.held_out = 2;
  fixture.run();
  ASSERT_EQ(fixture.reports.size(), 6u);
  EXPECT_EQ(fixture.reports.back().step, 6);
  EXPECT_EQ(fixture.reports.front().learning_rate, 0);
  EXPECT_FALSE(fixture.reports[0].held_out_loss.has_value());
  EXPECT_TRUE(fixture.reports[1].held_out_loss.has_value());
  EXPECT_THAT(fixture.said, testing::Contains(HasSubstr("pairs.csv:6]")));
  EXPECT_THAT(fixture.said, testing::Contains("1 bad row left out, 7 good"));
  const model::Adapter adapter =
      model::Adapter::read(fixture.options.output / "adapter", model::read_config(fixture.options.model).text);
  EXPECT_EQ(adapter.parts.size(), 8u);
  EXPECT_EQ(adapter.rank, 4);
  EXPECT_FALSE(adapter.base.empty());
  EXPECT_THAT(read_file(fixture.options.output / "curves.html"), HasSubstr("<svg"));
  EXPECT_EQ(fixture.metrics().size(), 6u);
  EXPECT_THAT(fixture.states(), testing::ElementsAre("step-00000002", "step-00000004", "step-00000006"));
}

TEST(Trainer, KeepsTheLastStatesOnly) {
  Fixture fixture;
  fixture.options.keep = 1;
  fixture.run();
  EXPECT_THAT(fixture.states(), testing::ElementsAre("step-00000006"));
}

TEST(Trainer, ResumedRunsHaveTheSameLosses) {
  Fixture whole, parts;
  whole.run();
  parts.run_until(3);
  EXPECT_EQ(parts.metrics().size(), 3u);
  parts.options.resume = true;
  parts.run_until(4);
  parts.run();
  EXPECT_THAT(parts.said, testing::Contains("goes on behind step 4"));
  expect_same_losses(parts.metrics(), whole.metrics());
  EXPECT_EQ(read_file(parts.options.output / "adapter/adapter_model.safetensors"),
            read_file(whole.options.output / "adapter/adapter_model.safetensors"));
}

TEST(Trainer, GroupsComeTogetherAndRunsGoOn) {
  constexpr const char* kGrouped =
      "sent0,sent1,group\nTwo dogs run.,Dogs are running.,dogs\nIt is cold.,The day is freezing.,cold\n"
      "A pair of dogs.,Dogs play.,dogs\nRain again.,It rains.,\nSnow fell.,It freezes.,cold\nShe sings.,A song.,\n";
  Fixture whole, parts;
  for (Fixture* fixture : {&whole, &parts}) {
    fixture->options.data.sources = {{fixture->folder.write("groups.csv", kGrouped), Objective::contrastive}};
    fixture->options.data.together = 2;
    fixture->options.data.batch = 4;
  }
  whole.run();
  parts.run_until(3);
  parts.options.resume = true;
  parts.run();
  expect_same_losses(parts.metrics(), whole.metrics());
  EXPECT_TRUE(loss_of(whole.options).grouped);
  EXPECT_FALSE(loss_of(Fixture().options).grouped);
  parts.options.data.together = 3;
  EXPECT_THAT([&] { parts.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("--together was 2, is 3")));
  parts.options.data.together = 1;
  EXPECT_THAT([&] { parts.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("--together 1 leaves each row alone")));
}

class TrainerOfWeights : public testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(, TrainerOfWeights, testing::Bool(),
                         [](const auto& test) { return std::string(test.param ? "Muon" : "AdamW"); });

TEST_P(TrainerOfWeights, ResumedRunsHaveTheSameLosses) {
  Fixture whole, parts;
  for (Fixture* fixture : {&whole, &parts}) {
    fixture->options.trainee.parts = TrainedParts::from({"llm"});
    fixture->options.learning_rate = 1e-3;
    fixture->options.optimizer.muon = GetParam();
  }
  whole.run();
  parts.run_until(3);
  parts.options.resume = true;
  parts.run();
  expect_same_losses(parts.metrics(), whole.metrics());
  const model::Checkpoint trained(whole.options.output / "model"), before(whole.options.model);
  const auto now = trained.tensors(), then = before.tensors();
  ASSERT_EQ(now.size(), then.size());
  for (std::size_t i = 0; i < now.size(); ++i) {
    const bool same = std::ranges::equal(now[i].view.bytes(), then[i].view.bytes());
    EXPECT_EQ(same, !now[i].canonical.starts_with("language_model.")) << now[i].canonical;
  }
  parts.options.optimizer.muon = !GetParam();
  EXPECT_THAT([&] { parts.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("--muon was ")));
}

/// The losses of a run on a device.
std::vector<double> losses_on(const std::string& device, ComputeType type, const TrainedParts& parts,
                              double learning_rate) {
  Fixture fixture;
  fixture.options.input.device = device;
  fixture.options.input.dtype = type;
  fixture.options.trainee.parts = parts;
  fixture.options.learning_rate = learning_rate;
  fixture.run();
  std::vector<double> losses;
  for (const StepReport& report : fixture.reports) losses.push_back(report.loss);
  return losses;
}

/// In bf16 a cosine is off by about 2e-3, so logits at the temperature of 0.05 by 0.04; and at this learning rate six
/// steps change too little to multiply that.
TEST(TrainerCuda, HasTheLossesOfTheCpu) {
  try {
    ops::open_device("cuda");
  } catch (const DeviceError& error) {
    GTEST_SKIP() << error.what();
  }
  for (const TrainedParts& parts : {TrainedParts{.lora = true}, TrainedParts{.language_model = true}}) {
    for (const double rate : {1e-3, 1e-5}) {
      const std::vector<double> expected = losses_on("cpu", ComputeType::f32, parts, rate);
      const std::vector<double> exact = losses_on("cuda", ComputeType::f32, parts, rate),
                                rounded = losses_on("cuda", ComputeType::bf16, parts, rate);
      ASSERT_EQ(exact.size(), expected.size());
      ASSERT_EQ(rounded.size(), expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(exact[i], expected[i], 1e-4 * expected[i]) << i;
        if (rate < 1e-4) {
          EXPECT_NEAR(rounded[i], expected[i], 0.1) << i;
        }
      }
    }
  }
}

TEST(Trainer, ResumeNeedsTheSameRun) {
  Fixture fixture;
  fixture.run_until(2);
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("--resume goes on with it")));
  fixture.options.resume = true;
  fixture.options.learning_rate = 1e-3;
  fixture.options.trainee.lora.alpha = 4;
  EXPECT_THAT([&] { fixture.run(); },
              ThrowsMessage<InvalidInput>(
                  "[resume] the run was begun otherwise: --alpha was 8, is 4; --lr was 0.0004, is 0.001"));
  fixture.options.learning_rate = 4e-4;
  fixture.options.trainee.lora.alpha = 8;
  fixture.folder.write("pairs.csv", std::string(kPairs) + "One more.,Another one.,Less.\n");
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("the data was ")));
  fixture.options.resume = false;
  fixture.options.replace = true;
  EXPECT_NO_THROW(fixture.run());
  EXPECT_EQ(fixture.metrics().size(), 6u);
}

TEST(Trainer, StopsAtLossesThatAreNoNumbers) {
  Fixture unsaved, saved;
  saved.options.save_every = 1;
  for (Fixture* fixture : {&unsaved, &saved}) {
    fixture->options.learning_rate = 1e39;
    if (fixture == &unsaved) fixture->options.save_every = 100;
    EXPECT_THAT([&] { fixture->run(); },
                ThrowsMessage<ModelError>(testing::AllOf(
                    HasSubstr("[step 3] the "),
                    HasSubstr(fixture == &saved ? "the state of step 2 is kept" : "no state was saved before"))));
    EXPECT_EQ(fixture->metrics().size(), 2u);
  }
  EXPECT_THAT(unsaved.states(), testing::ElementsAre());
  EXPECT_THAT(saved.states(), testing::ElementsAre("step-00000001", "step-00000002"));
}

TEST(Trainer, EndsEarlyAndKeepsTheBest) {
  Fixture fixture;
  fixture.options.data.held_out = 2;
  fixture.options.steps = 60;
  fixture.options.learning_rate = 0.2;
  fixture.options.evaluate_every = 1;
  fixture.options.patience = 2;
  fixture.run();
  EXPECT_LT(fixture.reports.size(), 60u);
  EXPECT_THAT(fixture.said, testing::Contains(HasSubstr("ended at step")));
  EXPECT_TRUE(fs::exists(fixture.options.output / "adapter/adapter_model.safetensors"));
}

TEST(Trainer, PatienceMayComeLater) {
  Fixture fixture;
  fixture.options.data.held_out = 2;
  fixture.options.learning_rate = 0.2;  // so high that the first evaluation is the best
  fixture.options.evaluate_every = 1;
  fixture.run_until(4);
  const fs::path result = fixture.options.output / "adapter/adapter_model.safetensors";
  EXPECT_FALSE(fs::exists(result));
  fixture.options.resume = true;
  fixture.options.patience = 1;
  fixture.run();
  ASSERT_FALSE(fixture.reports.empty());  // evaluations before are forgotten: what they judged was not kept
  EXPECT_EQ(fixture.reports.front().step, 5);
  EXPECT_TRUE(fs::exists(result));
}

TEST(Trainer, BeginsAnewWithoutWhatWasThere) {
  Fixture fixture;
  fixture.options.trainee.parts = TrainedParts::from({"llm"});
  fixture.run();
  const fs::path old = fixture.options.output / "model/config.json";
  ASSERT_TRUE(fs::exists(old));
  fixture.options.model = fixture.options.output / "model";
  fixture.options.replace = true;
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("model] is the model's own folder")));
  EXPECT_TRUE(fs::exists(old));
  EXPECT_EQ(fixture.states().size(), 3u);
  fixture.options.model = golden("ckpt/tiny-small-f32");
  fixture.options.trainee.parts = {.lora = true};
  fixture.run_until(2);
  EXPECT_FALSE(fs::exists(old));
  EXPECT_THAT(fixture.states(), testing::ElementsAre("step-00000002"));
}

TEST(Trainer, RefusesWhatTeachesNothing) {
  Fixture fixture;
  fixture.options.data.sources = {{fixture.folder.write("lines.txt", "One.\nTwo.\nThree.\n"), Objective::contrastive}};
  EXPECT_NO_THROW(fixture.run());
  fixture.options.replace = true;
  fixture.options.trainee.lora.dropout = 0;
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("lines.txt] its sentences are their own")));
  fixture.options.trainee.parts = TrainedParts::from({"llm"});
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("lines.txt] its sentences are their own")));
  fixture.options.data.sources[0].file =
      fixture.folder.write("three.csv", "sent0,sent1\nA b,a b.\nC d,c d.\nE f,e f.\n");
  fixture.options.data.held_out = 1;
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("--held-out 1 keeps a pair")));
}

TEST(Trainer, ImagesMayComeLate) {
  Fixture fixture;
  const std::string image = golden("images/img18_dark_90x60.png").string();
  fixture.options.data.sources = {
      {fixture.folder.write("late.csv", "sent0,image0,sent1\nA cat.,,Cats.\n," + image + ",dark\nRain.,,It rains.\n"),
       Objective::contrastive}};
  fixture.options.input.max_tiles = 1;
  fixture.options.steps = 1;
  fixture.run();
  EXPECT_EQ(fixture.reports.size(), 1u);
}

TEST(Trainer, SaysWhichRowCannotBeUsed) {
  Fixture fixture;
  const fs::path file = fixture.folder.write("images.csv", "image0,sent1,hard_neg\nnone.png,A cat.,A dog.\n");
  fixture.options.data.sources = {{file, Objective::contrastive}};
  EXPECT_THAT([&] { fixture.run(); },
              ThrowsMessage<InvalidInput>(testing::AllOf(HasSubstr("images.csv:2]"), HasSubstr("none.png"))));
}

TEST(Trainer, TwoProcessesDoNotShareAFolder) {
  Fixture fixture;
  const RunFolder first(fixture.options.output, false, false);
  EXPECT_THAT([&] { RunFolder(fixture.options.output, true, false); },
              ThrowsMessage<InvalidInput>(HasSubstr("another process is training there")));
}

TEST(Trainer, LeftoversOfAKilledSaveAreIgnored) {
  Fixture fixture;
  fixture.run_until(2);
  fs::create_directory(fixture.options.output / "checkpoints/.step-00000003");
  fixture.options.resume = true;
  fixture.run();
  EXPECT_EQ(fixture.metrics().size(), 6u);
}

TEST(Trainer, CaptionsAndPairsTakeTurns) {
  Fixture fixture;
  const fs::path captions = fixture.folder.write("captions.csv", "sent0,sent1\nOne,two\nThree,four\nFive,six\n");
  fixture.options.data.sources.push_back({captions, Objective::captions});
  fixture.options.data.sources[0].file =
      fixture.folder.write("three.csv", "sent0,sent1\nA b,a b.\nC d,c d.\nE f,e f.\n");
  fixture.options.trainee.parts = TrainedParts::from({"llm"});
  fixture.options.steps = 4;
  fixture.run();
  // An epoch is a batch of each, in turns that the seed decides; their losses are of different size.
  int spelled = 0;
  for (const StepReport& report : fixture.reports) spelled += report.loss > 5;
  EXPECT_EQ(spelled, 2);
}

constexpr const char* kPictures =
    "image0,sent1,group\n"
    "%/img18_dark_90x60.png,darkness,1\n%/img18_dark_90x60.png,night,1\n%/img18_dark_90x60.png,a dark day,2\n";

TEST(Trainer, ChangedImagesAreTheSameAgain) {
  Fixture fixture;
  std::string pictures = kPictures;
  for (auto at = pictures.find('%'); at != std::string::npos; at = pictures.find('%'))
    pictures.replace(at, 1, golden("images").string());
  fixture.options.data.sources = {{fixture.folder.write("pictures.csv", pictures), Objective::contrastive}};
  fixture.options.trainee.parts = TrainedParts::from({"projector"});
  fixture.options.input.max_tiles = 1;
  fixture.options.loss.symmetric = true;
  fixture.options.steps = 4;
  fixture.run();
  const double plain = fixture.reports.front().loss;
  fixture.options.examples.augment = 1;
  fixture.options.replace = true;
  fixture.run();
  const std::vector<StepMetrics> whole = fixture.metrics();
  EXPECT_NE(fixture.reports.front().loss, plain);
  fixture.run_until(2);
  fixture.options.resume = true, fixture.options.replace = false;
  fixture.options.input.threads = 1;
  fixture.run();
  expect_same_losses(fixture.metrics(), whole);
  fixture.options.examples.augment = 0.5;
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("--augment")));
  fixture.options.examples.augment = 3;
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("--augment 3 is not in [0, 2]")));
}

/// The whole at once, and GradCache in eight parts.
TEST(Trainer, FortyEightPairsAreEightTimesSix) {
  std::string rows = "sent0,sent1,hard_neg\n";
  for (int i = 0; i < 48; ++i) rows += fmt::format("Here are {} dogs.,Dogs: {}.,No dog and {} cats.\n", i, i, i);
  std::vector<std::vector<StepReport>> runs;
  for (const std::int64_t micro_batch : {48, 6}) {
    Fixture fixture;
    fixture.options.data.sources = {{fixture.folder.write("pairs.csv", rows), Objective::contrastive}};
    fixture.options.data.batch = 48;
    fixture.options.micro_batch = micro_batch;
    fixture.options.steps = 3;
    fixture.run();
    runs.push_back(fixture.reports);
  }
  ASSERT_EQ(runs[0].size(), 3u);
  ASSERT_EQ(runs[1].size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(runs[1][i].loss, runs[0][i].loss, 1e-5);
    EXPECT_NEAR(runs[1][i].gradient_norm, runs[0][i].gradient_norm, 1e-5);
  }
}

TEST(Trainer, AdaptersHaveNoMuon) {
  Fixture fixture;
  fixture.options.optimizer.muon = true;
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("--muon is for weights")));
}

TEST(BatchPlan, EveryRowOfEverySourceOnceAnEpoch) {
  std::vector<RowOrder> orders;
  orders.emplace_back(10, 2, 5);
  orders.emplace_back(7, 0, 5);
  const BatchPlan plan(std::move(orders), 4, 5);
  EXPECT_EQ(plan.batches_per_epoch(), 4);
  for (const std::int64_t epoch : {0, 1}) {
    std::map<std::size_t, std::vector<std::int64_t>> seen;
    for (std::int64_t i = 0; i < 4; ++i) {
      const BatchPlan::Batch batch = plan.at(epoch * 4 + i);
      EXPECT_EQ(batch.epoch, epoch);
      auto& rows = seen[batch.source];
      rows.insert(rows.end(), batch.rows.begin(), batch.rows.end());
    }
    for (auto& [source, rows] : seen) {
      std::ranges::sort(rows);
      EXPECT_EQ(rows.size(), source == 0 ? 8u : 7u);
      EXPECT_EQ(std::ranges::adjacent_find(rows), rows.end());
    }
  }
  EXPECT_THROW(BatchPlan({}, 4, 5), InvalidInput);
}

}  // namespace
}  // namespace e5v::train
