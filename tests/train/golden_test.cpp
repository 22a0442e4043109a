// Training against the reference's own numbers: tests/golden/train.
#include "golden.h"

#include <gmock/gmock.h>

#include <cmath>

#include "families/llava_next/prepare.h"
#include "train/golden_triplets.h"
#include "train/grad_cache.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/trainee.h"

namespace e5v::train {
namespace {

const processes::Group one_process;

using e5v::test::golden;
using test::golden_batches;
using test::golden_json;
using test::masked_batch;

using test::kGoldenPairs;
constexpr double kLearningRate = 4e-4;

/// The tiny checkpoint with the adapters of the goldens.
Trainee golden_trainee() {
  TraineeOptions options;
  options.lora = {.rank = 8, .alpha = 16, .dropout = 0};
  return Trainee(golden("ckpt/tiny-small-f32"), {}, options);
}

/// "language_model.layers.0.mlp.up_proj.lora_A" as PEFT calls it.
std::string peft_name(const std::string& name) {
  return "base_model.model.model" + name.substr(std::string("language_model").size()) + ".weight";
}

double largest_difference(std::span<const float> found, std::span<const float> expected) {
  EXPECT_EQ(found.size(), expected.size());
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
  }
  return largest;
}

/// The parameters at the beginning of a run.
void start_from(const tensor::SafetensorsFile& file, const std::string& init,
                const std::vector<Parameter>& parameters) {
  for (const Parameter& parameter : parameters) {
    const auto* values = file.find("as_is." + init + ".init." + peft_name(parameter.name));
    if (values != nullptr) {
      std::ranges::copy(values->as<float>(), parameter.values.begin());
    } else {  // zeros are not in the file
      ASSERT_TRUE(init == "B0" && parameter.name.ends_with("lora_B")) << parameter.name;
    }
  }
}

/// The run's parameters are those that PEFT saved behind the same run.
void expect_saved_adapter(const Trainee& trainee) {
  const model::Adapter saved = model::Adapter::read(golden("train/adapter_20step"), trainee.config());
  const auto& parts = trainee.lora()->adapter().parts;
  ASSERT_EQ(saved.parts.size(), parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(saved.parts[i].target, parts[i].target);
    EXPECT_EQ(saved.parts[i].scale, parts[i].scale);
    EXPECT_LT(largest_difference(parts[i].a_RK.as<float>(), saved.parts[i].a_RK.as<float>()), 2e-3) << parts[i].target;
    EXPECT_LT(largest_difference(parts[i].b_NR.as<float>(), saved.parts[i].b_NR.as<float>()), 2e-3) << parts[i].target;
  }
}

class OneStep : public testing::TestWithParam<std::string> {
 protected:
  /// Clipping and one step of AdamW, where the file has what follows.
  void expect_update(const std::string& run) {
    if (!run.starts_with("as_is")) return;
    const auto parameters = trainee_.parameters();
    const std::vector<TrainedSpan> spans(parameters.begin(), parameters.end());
    clip_gradients(spans, 1.0);
    Optimizer(spans, {}).step(spans, kLearningRate);
    for (const auto& parameter : parameters) {
      const auto* after = file_.find(run + ".after_step." + peft_name(parameter.name));
      ASSERT_NE(after, nullptr) << parameter.name;
      const auto expected = after->as<float>();
      for (std::size_t i = 0; i < expected.size(); ++i) {
        // Adam divides a gradient by its size, so one that is rounding noise moves its parameter by up to the rate.
        const double tolerance = std::abs(parameter.gradient[i]) > 1e-5f ? 1e-7 : 2 * kLearningRate;
        ASSERT_NEAR(parameter.values[i], expected[i], tolerance) << parameter.name << " " << i;
      }
    }
  }

  tensor::SafetensorsFile file_{golden("train/one_step.safetensors")};
  Trainee trainee_ = golden_trainee();
};

TEST_P(OneStep, LossVectorsLogitsGradientsAndUpdate) {
  const std::string run = GetParam(), mode = run.substr(0, run.find('.')), init = run.substr(run.find('.') + 1);
  start_from(file_, init, trainee_.parameters());
  const Json expected = golden_json("train.json").at("runs").at(run);
  const PairBatch batch = masked_batch(file_, mode);
  GradCache cache(trainee_, {.micro_batch = kGoldenPairs}, one_process);
  EXPECT_NEAR(cache.accumulate(batch, nullptr).loss, expected.at("loss").get<double>(),
              5e-6);  // f32 sums of vectors of any width

  tensor::Arena arena;
  const tensor::Matrix pooled = arena.matrix(tensor::DType::f32, 3 * kGoldenPairs, trainee_.width());
  const tensor::Matrix logits = arena.matrix(tensor::DType::f32, kGoldenPairs, 2 * kGoldenPairs);
  const std::vector<TokenSequence>* const kinds[] = {&batch.anchors, &batch.positives, &batch.negatives};
  for (std::int64_t kind = 0; kind < 3; ++kind)
    cache.embed(*kinds[kind], pooled.row_range(kind * kGoldenPairs, kGoldenPairs), nullptr);
  contrastive_logits({pooled.row_range(0, kGoldenPairs), pooled.row_range(kGoldenPairs, kGoldenPairs),
                      pooled.row_range(2 * kGoldenPairs, kGoldenPairs)},
                     0.05f, logits, arena);
  const auto expected_pooled = file_.find(run + ".pooled")->as<float>();
  for (std::int64_t row = 0; row < 3 * kGoldenPairs; ++row) {  // the file has the three of a pair side by side
    const std::int64_t place = row % kGoldenPairs * 3 + row / kGoldenPairs;
    const std::span<const float> found(pooled.row<float>(row), 128);
    EXPECT_LT(largest_difference(found, expected_pooled.subspan(static_cast<std::size_t>(place * 128), 128)), 5e-5)
        << row;
  }
  const std::span<const float> found_logits(logits.row<float>(0),
                                            static_cast<std::size_t>(2 * kGoldenPairs * kGoldenPairs));
  EXPECT_LT(largest_difference(found_logits, file_.find(run + ".logits")->as<float>()), 2e-5);

  double square = 0;
  for (const Parameter& parameter : trainee_.parameters()) {
    double own = 0;
    for (const float value : parameter.gradient) own += static_cast<double>(value) * static_cast<double>(value);
    square += own;
    const double norm = expected.at("grad_l2").at(peft_name(parameter.name)).get<double>();
    EXPECT_NEAR(std::sqrt(own), norm, 1e-5 * (1 + norm)) << parameter.name;
    const auto* gradient = file_.find(run + ".grad." + peft_name(parameter.name));
    if (gradient != nullptr) {
      EXPECT_LT(largest_difference(parameter.gradient, gradient->as<float>()), 2e-5) << parameter.name;
    }
  }
  EXPECT_NEAR(std::sqrt(square), expected.at("grad_norm").get<double>(), 1e-4);
  expect_update(run);
}

/// What turns texts into tokens for the tiny checkpoint.
embed::Preparer golden_preparer() {
  return families::make_llava_next_preparer(golden("ckpt/tiny-small-f32"),
                                            model::read_config(golden("ckpt/tiny-small-f32")), {});
}

class Curve : public testing::TestWithParam<std::string> {};

TEST_P(Curve, TwentySteps) {
  const Json steps = golden_json("train.json").at("curves_20_steps").at(GetParam());
  Trainee trainee = golden_trainee();
  embed::Preparer preparer = golden_preparer();
  Examples examples(preparer, {.paper_prompts = true, .paper_masks = GetParam() != "fixmask"});
  const tensor::SafetensorsFile file(golden("train/one_step.safetensors"));
  start_from(file, "B0", trainee.parameters());
  GradCache cache(trainee, {.micro_batch = 4}, one_process);
  const std::vector<Parameter> parameters = trainee.parameters();
  const std::vector<TrainedSpan> spans(parameters.begin(), parameters.end());
  Optimizer optimizer(spans, {});
  const Schedule schedule{ScheduleShape::linear, GetParam() == "as_is_lr4e-4" ? 4e-4 : 4e-3, 5, 20};
  const auto batches = golden_batches();
  ASSERT_EQ(steps.size(), 20u);
  for (std::size_t step = 0; step < steps.size(); ++step) {
    const Json& expected = steps.at(step);
    trainee.clear_gradients();
    const ContrastiveLoss loss = cache.accumulate(examples.contrastive(batches[step % 4]), nullptr);
    EXPECT_NEAR(loss.loss, expected.at("loss").get<double>(), 1e-4) << step;
    EXPECT_NEAR(clip_gradients(spans, 1), expected.at("grad_norm_before_clip").get<double>(), 1e-3) << step;
    const double rate = schedule.at(static_cast<std::int64_t>(step));
    EXPECT_NEAR(rate, expected.at("lr").get<double>(), 1e-12) << step;
    optimizer.step(spans, rate);
  }
  if (GetParam() == "as_is") expect_saved_adapter(trainee);
}

INSTANTIATE_TEST_SUITE_P(Goldens, Curve, testing::Values("as_is", "fixmask", "as_is_lr4e-4"), [](const auto& run) {
  std::string name = run.param;
  std::ranges::replace_if(
      name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

INSTANTIATE_TEST_SUITE_P(Goldens, OneStep, testing::Values("as_is.B0", "as_is.randB", "fixmask.B0", "fixmask.randB"),
                         [](const auto& run) {
                           std::string name = run.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace e5v::train
