#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/file.h"
#include "train/trainer.h"
#include "train/trainer_fixture.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;
using e5v::test::golden;
using test::Fixture;
using test::kPairs;
using testing::HasSubstr;
using testing::ThrowsMessage;

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

TEST(TrainerResume, ResumedRunsHaveTheSameLosses) {
  Fixture whole, parts;
  whole.run();
  parts.run_until(3);
  EXPECT_EQ(parts.metrics().size(), 3u);
  parts.options.resume = true;
  parts.run_until(4);
  parts.run();
  EXPECT_THAT(parts.said, testing::Contains("continues after step 4"));
  expect_same_losses(parts.metrics(), whole.metrics());
  EXPECT_EQ(read_file(parts.options.output / "adapter/adapter_model.safetensors"),
            read_file(whole.options.output / "adapter/adapter_model.safetensors"));
}

TEST(TrainerResume, StatesOfOlderProgramsGoOn) {
  Fixture whole, parts;
  whole.run();
  parts.run_until(4);
  // Earlier programs wrote adapters of LLaVA-NeXT as those of a language model alone.
  const fs::path state = parts.options.output / "checkpoints" / parts.states().back();
  model::Adapter adapter = model::Adapter::read(state, model::read_config(parts.options.model));
  EXPECT_TRUE(adapter.inside_llava);
  adapter.inside_llava = false;
  adapter.write(state);
  parts.options.resume = true;
  parts.run();
  expect_same_losses(parts.metrics(), whole.metrics());
  EXPECT_EQ(read_file(parts.options.output / "adapter/adapter_model.safetensors"),
            read_file(whole.options.output / "adapter/adapter_model.safetensors"));
}

TEST(TrainerResume, TransparentImagesAreTreatedAsBefore) {
  Fixture run;
  const std::string image = golden("images/img06_rgba_400x300.png").string();
  std::string pairs = "image0,sent1\n";
  for (const char* words : {"A.", "B.", "C."}) pairs += image + "," + words + "\n";
  run.options.data.sources = {{run.folder.write("images.csv", pairs), Objective::contrastive}};
  run.options.prepare.max_tiles = 1;
  run.run_until(2);
  run.options.resume = true;
  run.options.prepare.alpha = Alpha::drop;
  EXPECT_THAT([&] { run.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("option image_alpha was white, is drop")));
  run.options.prepare.alpha = Alpha::white;
  run.run();
}

TEST(TrainerResume, AStepThatIsStoppedHalfwayIsMadeAnew) {
  Fixture whole, parts;
  whole.run();
  int asked = 0, unsaved = 0;
  parts.hooks.unsaved = [&] { ++unsaved; };
  parts.hooks.check_stop = [&] {
    if (parts.reports.empty() || parts.reports.back().step != 3) return;
    if (++asked == 3) throw Interrupted();  // asked before the step, and before its first two parts
  };
  EXPECT_THROW(parts.run(), Interrupted);
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(unsaved, 3);
  EXPECT_EQ(parts.metrics().size(), 3u);
  parts.hooks.check_stop = nullptr;
  parts.options.resume = true;
  parts.run();
  EXPECT_THAT(parts.said, testing::Contains("continues after step 3"));
  expect_same_losses(parts.metrics(), whole.metrics());
}

TEST(TrainerResume, GroupsComeTogetherAndRunsGoOn) {
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
  EXPECT_THAT([&] { parts.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("option together was 2, is 3")));
  parts.options.data.together = 1;
  EXPECT_THAT([&] { parts.run(); },
              ThrowsMessage<InvalidInput>(HasSubstr("option together is 1, expected 0, or 2 or more")));
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
  EXPECT_THAT([&] { parts.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("option muon was ")));
}

TEST(TrainerResume, ResumeNeedsTheSameRun) {
  Fixture fixture;
  fixture.run_until(2);
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("option resume continues it")));
  fixture.options.resume = true;
  fixture.options.learning_rate = 1e-3;
  fixture.options.trainee.lora.alpha = 4;
  EXPECT_THAT([&] { fixture.run(); },
              ThrowsMessage<InvalidInput>(
                  "[resume] the run was started with other options: option learning_rate was 0.0004, is "
                  "0.001; option lora_alpha was 8, is 4"));
  fixture.options.learning_rate = 4e-4;
  fixture.options.trainee.lora.alpha = 8;
  fixture.folder.write("pairs.csv", std::string(kPairs) + "One more.,Another one.,Less.\n");
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("the data was ")));
  fixture.options.resume = false;
  fixture.options.replace = true;
  EXPECT_NO_THROW(fixture.run());
  EXPECT_EQ(fixture.metrics().size(), 6u);
}

TEST(TrainerResume, PatienceMayComeLater) {
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

TEST(TrainerResume, BeginsAnewWithoutWhatWasThere) {
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

constexpr const char* kImagePairs =
    "image0,sent1,group\n"
    "%/img18_dark_90x60.png,darkness,1\n%/img18_dark_90x60.png,night,1\n%/img18_dark_90x60.png,a dark day,2\n";

TEST(TrainerResume, ChangedImagesAreTheSameAgain) {
  Fixture fixture;
  std::string pairs = kImagePairs;
  for (auto at = pairs.find('%'); at != std::string::npos; at = pairs.find('%'))
    pairs.replace(at, 1, golden("images").string());
  fixture.options.data.sources = {{fixture.folder.write("pairs.csv", pairs), Objective::contrastive}};
  fixture.options.trainee.parts = TrainedParts::from({"projector"});
  fixture.options.prepare.max_tiles = 1;
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
  fixture.options.load.threads = 1;
  fixture.run();
  expect_same_losses(fixture.metrics(), whole);
  fixture.options.examples.augment = 0.5;
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("option augment")));
  fixture.options.examples.augment = 3;
  EXPECT_THAT([&] { fixture.run(); }, ThrowsMessage<InvalidInput>(HasSubstr("option augment 3 is not in [0, 2]")));
}

}  // namespace
}  // namespace e5v::train
