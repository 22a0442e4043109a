#include "train/learner.h"

#include <gmock/gmock.h>

#include <cmath>

#include "train/small_model.h"

namespace e5v::train {
namespace {

using test::alone;
using test::SmallModel;

/// Options under which a small model learns, in parts of two pairs.
TrainOptions options_for(double dropout) {
  TrainOptions options;
  options.trainee.lora.dropout = dropout;
  options.micro_batch = 2;
  return options;
}

StepBatch contrastive_step(SmallModel& small) {
  StepBatch batch;
  batch.total = 3;
  batch.pairs = Examples(small.preparer, {}).contrastive(test::three_pairs());
  return batch;
}

StepBatch caption_step(const SmallModel& small) {
  StepBatch batch;
  batch.objective = Objective::captions;
  batch.total = 2;
  batch.captions = small.captions;
  return batch;
}

double norm_of(const std::vector<std::vector<float>>& gradients) {
  double squares = 0;
  for (const std::vector<float>& gradient : gradients) {
    for (const float value : gradient) squares += static_cast<double>(value) * static_cast<double>(value);
  }
  return std::sqrt(squares);
}

TEST(Learner, CountsWhatIsTrained) {
  SmallModel small;
  const TrainOptions options = options_for(0);
  // Rank 4 on q and o (128 x 128), k and v (32 x 128), gate, up and down (352 x 128) of four blocks.
  EXPECT_EQ(Learner(small.model, options, alone).trained(), 4 * 4 * (2 * 256 + 2 * 160 + 3 * 480));
}

TEST(Learner, GradientsAreThoseOfTheObjectiveClipped) {
  SmallModel small({.captions = true});
  TrainOptions options = options_for(0);
  for (const StepBatch& batch : {contrastive_step(small), caption_step(small)}) {
    const bool pairs = batch.objective == Objective::contrastive;
    small.model.clear_gradients();
    const double loss = pairs ? GradCache(small.model, {.micro_batch = 2}, alone).accumulate(batch.pairs, nullptr).loss
                              : Captioning(small.model, 2, alone).accumulate(batch.captions, nullptr).loss;
    const std::vector<std::vector<float>> expected = small.gradients();
    options.clip = norm_of(expected) / 10;
    Learner learner(small.model, options, alone);
    for (int time = 0; time < 2; ++time) {  // the second time does not add to the first
      const Learner::Gradients found = learner.take_gradients(batch, 0, nullptr);
      EXPECT_NEAR(found.loss, loss, 1e-6);
      EXPECT_NEAR(found.norm, norm_of(expected), 1e-4 * norm_of(expected));
      const std::vector<std::vector<float>> clipped = small.gradients();
      EXPECT_NEAR(norm_of(clipped), options.clip, 1e-4 * options.clip);
      for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(clipped[0][i], expected[0][i] / 10, 1e-6);
    }
  }
}

TEST(Learner, AStepNamesItsDropout) {
  SmallModel small({.dropout = 0.3f});
  const StepBatch batch = contrastive_step(small);
  TrainOptions options = options_for(0.3);
  const auto loss = [&](std::int64_t step) {
    return Learner(small.model, options, alone).take_gradients(batch, step, nullptr).loss;
  };
  const double first = loss(1);
  EXPECT_EQ(loss(1), first);
  EXPECT_NE(loss(2), first);
  options.data.seed = 43;
  EXPECT_NE(loss(1), first);
  options.trainee.lora.dropout = 0;
  EXPECT_EQ(loss(1), loss(2));
}

/// Adam's first step is the learning rate against the sign of the gradient, whatever its size.
TEST(Learner, TheFirstUpdateIsTheLearningRate) {
  SmallModel small;
  const TrainOptions options = options_for(0);
  Learner learner(small.model, options, alone);
  learner.take_gradients(contrastive_step(small), 0, nullptr);
  const Parameter parameter = small.model.parameters().front();
  const std::vector<float> before(parameter.values.begin(), parameter.values.end());
  learner.update(0.125);
  EXPECT_EQ(learner.optimizer().state().step, 1);
  int compared = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (std::abs(parameter.gradient[i]) < 1e-4f) continue;
    EXPECT_NEAR(parameter.values[i] - before[i], parameter.gradient[i] > 0 ? -0.125 : 0.125, 1e-4) << i;
    ++compared;
  }
  EXPECT_GT(compared, 100);
}

/// The weights of a 16-bit model are copies of those that are trained.
TEST(Learner, UpdatesReachTheModel) {
  TraineeOptions trainee;
  trainee.parts = TrainedParts::from({"llm"});
  trainee.precision = nn::Precision::bf16;
  SmallModel small;
  Trainee model(test::small_checkpoint(), small.preparer.preprocess(), trainee);
  const TrainOptions options = options_for(0);
  Learner learner(model, options, alone);
  const StepBatch batch = contrastive_step(small);
  const double before = learner.take_gradients(batch, 0, nullptr).loss;
  for (int step = 0; step < 3; ++step) {
    learner.update(1e-3);
    learner.take_gradients(batch, 0, nullptr);
  }
  EXPECT_LT(learner.evaluate({&batch, 1}).loss, 0.7 * before);
}

TEST(Learner, EvaluationIsTheMeanOverPairs) {
  SmallModel small({.captions = true, .dropout = 0.3f});
  const TrainOptions options = options_for(0.3);
  Learner learner(small.model, options, alone);
  const std::vector<StepBatch> batches{contrastive_step(small), caption_step(small)};
  const BatchLoss pairs = learner.evaluate({&batches[0], 1}), captions = learner.evaluate({&batches[1], 1});
  EXPECT_EQ(pairs.loss, GradCache(small.model, {.micro_batch = 2}, alone).evaluate(batches[0].pairs).loss);
  EXPECT_GT(captions.loss, 5) << "random weights guess among 2368 tokens";
  const BatchLoss both = learner.evaluate(batches);
  EXPECT_DOUBLE_EQ(both.loss, (3 * pairs.loss + 2 * captions.loss) / 5);
  EXPECT_DOUBLE_EQ(both.accuracy, (3 * pairs.accuracy + 2 * captions.accuracy) / 5);
}

}  // namespace
}  // namespace e5v::train
