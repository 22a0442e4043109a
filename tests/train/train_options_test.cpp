#include "train/train_options.h"

#include <gmock/gmock.h>

#include <set>

#include "temporary_folder.h"
#include "train/small_model.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;
using testing::ThrowsMessage;

class TrainOptionsTest : public testing::Test {
 protected:
  TrainOptionsTest() {
    options_.model = test::small_checkpoint();
    options_.output = folder_.path() / "run";
    options_.load.device = "cpu";
    options_.trainee.lora = {.rank = 4, .targets = {"q_proj"}};
    options_.data.sources = {{folder_.write("pairs.csv", "sent0,sent1\na,b\nc,d\ne,f\ng,h\ni,j\n")}};
    options_.data.batch = 2;
  }

  /// Checks the options with a change.
  template <class Change>
  auto checking(const Change& change) const {
    TrainOptions options = options_;
    change(options);
    return [options] { check(options); };
  }
  TrainData data() const { return TrainData(options_.data); }
  RunIdentity identity() const {
    const TrainData read = data();
    const auto preprocess = read.has_images() ? test::small_preparer().preprocess() : image::Preprocess();
    const Trainee model(options_.model, preprocess, trainee_options(options_, read));
    return identity_of(options_, read, model);
  }

  e5v::test::TemporaryFolder folder_;
  TrainOptions options_;
};

#define EXPECT_REFUSED(change, message) \
  EXPECT_THAT(checking([&](TrainOptions& o) { change; }), ThrowsMessage<InvalidInput>(message))

TEST_F(TrainOptionsTest, NumbersOutOfTheirRangesAreRefused) {
  EXPECT_NO_THROW(check(options_));
  EXPECT_REFUSED(o.micro_batch = 0, "[train] option micro_batch 0 is not positive");
  EXPECT_REFUSED(
      o.loss.temperature = 0,
      "[train] option temperature 0 is not in [0.001, 100]: the loss would overflow, or hardly depend on the cosines");
  EXPECT_REFUSED(o.loss.temperature = 101, testing::HasSubstr("option temperature 101 is not in"));
  EXPECT_REFUSED((o.learning_rate = 2, o.optimizer.weight_decay = 0.75),
                 "[train] option learning_rate 2 times option weight_decay 0.75 is more than 1: each step would change "
                 "the signs of parameters");
  EXPECT_REFUSED(o.data.together = 1, "[train] option together is 1, expected 0, or 2 or more");
  EXPECT_REFUSED(o.examples.augment = 2.5, "[train] option augment 2.5 is not in [0, 2]");
  EXPECT_REFUSED(o.optimizer.beta2 = 1, "[train] option beta2 1 is not in [0, 1)");
  EXPECT_REFUSED(o.trainee.lora.dropout = 1, "[train] option dropout 1 is not in [0, 1)");
  EXPECT_REFUSED(o.epochs = 0, "[train] expected at least one step or a positive number of epochs");
  EXPECT_REFUSED(o.steps = -1, "[train] expected at least one step or a positive number of epochs");
  EXPECT_NO_THROW(checking([](TrainOptions& o) { o.epochs = 0, o.steps = 1; })());
  EXPECT_REFUSED(o.epochs = 2e6, "[train] option epochs 2000000 is more than 1000000");
  EXPECT_REFUSED(o.keep = 0, "[train] expected intervals of 1 or more");
  EXPECT_REFUSED(o.save_every = 0, "[train] expected intervals of 1 or more");
  EXPECT_REFUSED(o.evaluate_every = 0, "[train] expected intervals of 1 or more");
}

TEST_F(TrainOptionsTest, MuonIsForWeights) {
  EXPECT_REFUSED(
      o.optimizer.muon = true,
      "[train] option muon is for weights: option parts llm, projector, vision or all; adapters follow AdamW");
  EXPECT_NO_THROW(checking([](TrainOptions& o) {
    o.optimizer.muon = true;
    o.trainee.parts = TrainedParts::from({"llm"});
  })());
}

TEST_F(TrainOptionsTest, SentencesThatAreTheirOwnPositivesNeedDropout) {
  const fs::path lines = folder_.write("lines.txt", "One.\nTwo.\n");
  const std::string message = "[" + lines.string() +
                              "] its sentences are their own positives, which differ only by dropout: expected "
                              "option parts lora and option dropout above 0";
  options_.data.sources = {{lines}};
  EXPECT_NO_THROW(check(options_));
  EXPECT_REFUSED(o.trainee.lora.dropout = 0, message);
  EXPECT_REFUSED(o.trainee.parts = TrainedParts::from({"llm"}), message);
  options_.data.sources[0].objective = Objective::captions;
  EXPECT_NO_THROW(checking([](TrainOptions& o) { o.trainee.lora.dropout = 0; })());
}

TEST_F(TrainOptionsTest, TheModelsOwnFolderIsNoOutput) {
  EXPECT_REFUSED(o.output = o.model, "[" + options_.model.string() + "] is the model's own folder");
  fs::create_directories(options_.output / "model");
  const std::string inside = (options_.output / "model").string();
  EXPECT_REFUSED(o.model = inside, "[" + inside + "] is the model's own folder");
}

TEST_F(TrainOptionsTest, StepsAreGivenOrThoseOfTheEpochs) {
  const TrainData five = data();  // in batches of two
  EXPECT_EQ(steps_of(options_, five), 2 * 3);
  options_.epochs = 0.5;
  EXPECT_EQ(steps_of(options_, five), 2);
  options_.epochs = 0.01;
  EXPECT_EQ(steps_of(options_, five), 1);
  options_.steps = 17;
  EXPECT_EQ(steps_of(options_, five), 17);
}

TEST_F(TrainOptionsTest, TheLossIsGroupedWhereRowsComeTogether) {
  options_.loss.temperature = 0.5f;
  EXPECT_FALSE(loss_of(options_).grouped);
  EXPECT_EQ(loss_of(options_).temperature, 0.5f);
  options_.data.together = 2;
  EXPECT_TRUE(loss_of(options_).grouped);
}

TEST_F(TrainOptionsTest, TheModelSuitsTheData) {
  options_.data.seed = 9;
  TraineeOptions found = trainee_options(options_, data());
  EXPECT_EQ(found.seed, 9u);
  EXPECT_FALSE(found.images || found.head);
  EXPECT_FALSE(found.precision.has_value()) << "what suits the checkpoint";
  options_.data.sources = {{folder_.write("images.csv", "image0,sent1\na.png,b\nc.png,d\n"), Objective::captions}};
  found = trainee_options(options_, data());
  EXPECT_TRUE(found.images && found.head);
  for (const auto& [type, precision] :
       {std::pair(ComputeType::f32, nn::Precision::f32), std::pair(ComputeType::bf16, nn::Precision::bf16),
        std::pair(ComputeType::fp8, nn::Precision::fp8)}) {
    options_.load.dtype = type;
    EXPECT_EQ(trainee_options(options_, data()).precision, precision);
  }
}

TEST_F(TrainOptionsTest, PartsHaveTheNamesTheyAreChosenBy) {
  EXPECT_EQ(names_of({.lora = true, .projector = true}), "lora,projector");
  EXPECT_EQ(names_of(TrainedParts::from({"all"})), "llm,projector,vision");
}

TEST_F(TrainOptionsTest, ARunIsKnownByWhatItsLossesDependOn) {
  const RunIdentity plain = identity();
  EXPECT_EQ(plain.at("the model's weights"), model::Checkpoint(options_.model).fingerprint().hex());
  EXPECT_EQ(plain.at("the data"), data().digest());
  EXPECT_EQ(plain.at("option dtype"), "f32");
  EXPECT_EQ(plain.at("option batch"), "2");
  EXPECT_EQ(plain.at("the number of steps (option epochs, option steps)"), "6");
  EXPECT_EQ(plain.at("option lora_rank"), "4");
  EXPECT_EQ(plain.at("option targets"), "q_proj");
  EXPECT_FALSE(plain.contains("option image_alpha")) << "there are no images";
  EXPECT_FALSE(plain.contains("option device"));
  const auto differs = [&](const char* name, const auto& change) {
    const TrainOptions before = options_;
    change(options_);
    const RunIdentity changed = identity();
    options_ = before;
    std::set<std::string> different;
    for (const auto& [key, value] : plain) {
      if (changed.at(key) != value) different.insert(key);
    }
    EXPECT_THAT(different, testing::ElementsAre(name));
  };
  differs("option learning_rate", [](TrainOptions& o) { o.learning_rate = 1e-3; });
  differs("option warmup", [](TrainOptions& o) { o.warmup = 7; });
  differs("option schedule", [](TrainOptions& o) { o.schedule = ScheduleShape::cosine; });
  differs("option weight_decay", [](TrainOptions& o) { o.optimizer.weight_decay = 0.5; });
  differs("option beta2", [](TrainOptions& o) { o.optimizer.beta2 = 0.5; });
  differs("option clip", [](TrainOptions& o) { o.clip = 2; });
  differs("option temperature", [](TrainOptions& o) { o.loss.temperature = 1; });
  differs("option symmetric", [](TrainOptions& o) { o.loss.symmetric = true; });
  differs("option augment", [](TrainOptions& o) { o.examples.augment = 1; });
  differs("option seed", [](TrainOptions& o) { o.data.seed = 1; });
  differs("option max_tokens", [](TrainOptions& o) { o.examples.max_tokens = 9; });
  differs("option caption_prompt", [](TrainOptions& o) { o.examples.caption_prompt = "x"; });
  differs("option paper_compat", [](TrainOptions& o) { o.examples.paper_masks = true; });
  differs("option lora_alpha", [](TrainOptions& o) { o.trainee.lora.alpha = 1; });
  differs("option dropout", [](TrainOptions& o) { o.trainee.lora.dropout = 0.5; });
  differs("option dtype", [](TrainOptions& o) { o.load.dtype = ComputeType::bf16; });
}

TEST_F(TrainOptionsTest, WhatItsLossesDoNotDependOnMayChange) {
  const RunIdentity plain = identity();
  options_.micro_batch = 1, options_.keep = 1, options_.save_every = 1, options_.evaluate_every = 1;
  options_.load.threads = 1, options_.patience = 5;
  EXPECT_EQ(identity(), plain);
  options_.trainee.parts = TrainedParts::from({"llm"});
  const RunIdentity weights = identity();
  EXPECT_EQ(weights.at("option parts"), "llm");
  EXPECT_FALSE(weights.contains("option lora_rank") || weights.contains("option dropout"));
}

TEST_F(TrainOptionsTest, HowTransparentImagesAreReadCountsWhereThereAreImages) {
  options_.data.sources = {{folder_.write("images.csv", "image0,sent1\na.png,b\nc.png,d\n")}};
  EXPECT_EQ(identity().at("option image_alpha"), "white");
  options_.prepare.alpha = Alpha::drop;
  EXPECT_EQ(identity().at("option image_alpha"), "drop");
}

}  // namespace
}  // namespace e5v::train
