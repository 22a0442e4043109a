#include "train/trainer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/file.h"
#include "ops/accelerator.h"
#include "train/trainer_fixture.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;
using e5v::test::golden;
using test::Fixture;
using test::kPairs;
using testing::HasSubstr;
using testing::ThrowsMessage;

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
      model::Adapter::read(fixture.options.output / "adapter", model::read_config(fixture.options.model));
  EXPECT_EQ(adapter.parts.size(), 8u);
  EXPECT_TRUE(adapter.inside_llava);
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

/// The losses of a run on a device.
std::vector<double> losses_on(const std::string& device, ComputeType type, const TrainedParts& parts,
                              double learning_rate) {
  Fixture fixture;
  fixture.options.load.device = device;
  fixture.options.load.dtype = type;
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
  EXPECT_THAT(fixture.said, testing::Contains(HasSubstr("stopped at step")));
  EXPECT_TRUE(fs::exists(fixture.options.output / "adapter/adapter_model.safetensors"));
}

TEST(Trainer, SentencesMayBeTheirOwnPositives) {
  Fixture fixture;
  fixture.options.data.sources = {{fixture.folder.write("lines.txt", "One.\nTwo.\nThree.\n"), Objective::contrastive}};
  fixture.run();
  EXPECT_EQ(fixture.reports.size(), 6u);
}

TEST(Trainer, ImagesMayComeLate) {
  Fixture fixture;
  const std::string image = golden("images/img18_dark_90x60.png").string();
  fixture.options.data.sources = {
      {fixture.folder.write("late.csv", "sent0,image0,sent1\nA cat.,,Cats.\n," + image + ",dark\nRain.,,It rains.\n"),
       Objective::contrastive}};
  fixture.options.prepare.max_tiles = 1;
  fixture.options.steps = 1;
  fixture.run();
  EXPECT_EQ(fixture.reports.size(), 1u);
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

}  // namespace
}  // namespace e5v::train
