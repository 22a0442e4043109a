// Training against the reference's own numbers: tests/golden/train.
#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "base/json.h"
#include "golden.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "tensor/safetensors.h"
#include "train/adamw.h"
#include "train/adapters.h"
#include "train/grad_cache.h"
#include "train/schedule.h"

namespace e5v::train {
namespace {

using test::golden;

constexpr std::int64_t kPairs = 6;
constexpr double kLearningRate = 4e-4;

Json golden_json(const std::string& name) { return read_json(golden("train") / name); }

/// The language model of the tiny checkpoint with the adapters of the goldens.
struct GoldenTrainee {
  model::ModelConfig config = model::read_config(golden("ckpt/tiny-small-f32"));
  model::Checkpoint checkpoint{golden("ckpt/tiny-small-f32")};
  model::Llama llama{model::LlamaWeights::from(checkpoint, config.text), config.text, nn::Precision::f32};
  TrainableLora lora{config.text, {.rank = 8, .alpha = 16}, 0};

  GoldenTrainee() { lora.attach_to(llama); }

  /// "language_model.layers.0.mlp.up_proj.lora_A" as PEFT calls it.
  static std::string peft_name(const std::string& name) {
    return "base_model.model.model" + name.substr(std::string("language_model").size()) + ".weight";
  }
};

/// Sequences of which the mask leaves tokens out; those keep the places they had between these.
PairBatch masked_batch(const tensor::SafetensorsFile& file, const std::string& mode) {
  const auto ids = file.find(mode + ".input_ids"), mask = file.find(mode + ".attention_mask");
  const std::int64_t rows = ids->shape[0], columns = ids->shape[1];
  std::vector<TokenSequence> sequences;
  for (std::int64_t r = 0; r < rows; ++r) {
    TokenSequence sequence;
    sequence.name = static_cast<std::uint32_t>(r);
    for (std::int64_t c = 0; c < columns; ++c) {
      const auto at = static_cast<std::size_t>(r * columns + c);
      if (mask->as<std::int32_t>()[at] == 0) continue;
      sequence.ids.push_back(ids->as<std::int32_t>()[at]);
      sequence.positions.push_back(static_cast<std::int32_t>(c));
    }
    sequences.push_back(sequence);
  }
  const auto part = [&](std::int64_t from) {
    return std::vector<TokenSequence>(sequences.begin() + from, sequences.begin() + from + kPairs);
  };
  return {part(0), part(kPairs), part(2 * kPairs)};
}

double largest_difference(std::span<const float> found, std::span<const float> expected) {
  EXPECT_EQ(found.size(), expected.size());
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
  }
  return largest;
}

class OneStep : public testing::TestWithParam<std::string> {
 protected:
  void start_from(const std::string& init) {
    for (const TrainableLora::Parameter& parameter : trainee_.lora.parameters()) {
      const auto* values = file_.find("as_is." + init + ".init." + GoldenTrainee::peft_name(parameter.name));
      if (values != nullptr) {
        std::ranges::copy(values->as<float>(), parameter.values.begin());
      } else {  // zeros are not in the file
        ASSERT_TRUE(init == "B0" && parameter.name.ends_with("lora_B")) << parameter.name;
      }
    }
  }

  /// Clipping and one step of AdamW, where the file has what follows.
  void expect_update(const std::string& run) {
    if (!run.starts_with("as_is")) return;
    const auto parameters = trainee_.lora.parameters();
    std::vector<TrainedSpan> spans;
    std::vector<std::int64_t> sizes;
    for (const auto& parameter : parameters) {
      spans.push_back({parameter.values, parameter.gradient});
      sizes.push_back(static_cast<std::int64_t>(parameter.values.size()));
    }
    clip_gradients(spans, 1.0);
    AdamW(sizes, {}).step(spans, kLearningRate);
    for (const auto& parameter : parameters) {
      const auto* after = file_.find(run + ".after_step." + GoldenTrainee::peft_name(parameter.name));
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
  GoldenTrainee trainee_;
};

TEST_P(OneStep, LossVectorsLogitsGradientsAndUpdate) {
  const std::string run = GetParam(), mode = run.substr(0, run.find('.')), init = run.substr(run.find('.') + 1);
  start_from(init);
  const Json expected = golden_json("train.json").at("runs").at(run);
  const PairBatch batch = masked_batch(file_, mode);
  GradCache cache(trainee_.llama, trainee_.lora, {.micro_batch = kPairs});
  EXPECT_NEAR(cache.accumulate(batch, nullptr).loss, expected.at("loss").get<double>(), 2e-6);

  tensor::Arena arena;
  const tensor::Matrix pooled = arena.matrix(tensor::DType::f32, 3 * kPairs, trainee_.config.text.width);
  const tensor::Matrix logits = arena.matrix(tensor::DType::f32, kPairs, 2 * kPairs);
  const std::vector<TokenSequence>* const kinds[] = {&batch.anchors, &batch.positives, &batch.negatives};
  for (std::int64_t kind = 0; kind < 3; ++kind) cache.embed(*kinds[kind], pooled.row_range(kind * kPairs, kPairs), nullptr);
  contrastive_logits({pooled.row_range(0, kPairs), pooled.row_range(kPairs, kPairs), pooled.row_range(2 * kPairs, kPairs)},
                     0.05f, logits, arena);
  const auto expected_pooled = file_.find(run + ".pooled")->as<float>();
  for (std::int64_t row = 0; row < 3 * kPairs; ++row) {  // the file has the three of a pair side by side
    const std::int64_t place = row % kPairs * 3 + row / kPairs;
    const std::span<const float> found(pooled.row<float>(row), 128);
    EXPECT_LT(largest_difference(found, expected_pooled.subspan(static_cast<std::size_t>(place * 128), 128)), 5e-5) << row;
  }
  const std::span<const float> found_logits(logits.row<float>(0), static_cast<std::size_t>(2 * kPairs * kPairs));
  EXPECT_LT(largest_difference(found_logits, file_.find(run + ".logits")->as<float>()), 2e-5);

  double square = 0;
  for (const TrainableLora::Parameter& parameter : trainee_.lora.parameters()) {
    double own = 0;
    for (const float value : parameter.gradient) own += static_cast<double>(value) * static_cast<double>(value);
    square += own;
    const double norm = expected.at("grad_l2").at(GoldenTrainee::peft_name(parameter.name)).get<double>();
    EXPECT_NEAR(std::sqrt(own), norm, 1e-5 * (1 + norm)) << parameter.name;
    const auto* gradient = file_.find(run + ".grad." + GoldenTrainee::peft_name(parameter.name));
    if (gradient != nullptr) {
      EXPECT_LT(largest_difference(parameter.gradient, gradient->as<float>()), 2e-5) << parameter.name;
    }
  }
  EXPECT_NEAR(std::sqrt(square), expected.at("grad_norm").get<double>(), 1e-4);
  expect_update(run);
}

INSTANTIATE_TEST_SUITE_P(Goldens, OneStep, testing::Values("as_is.B0", "as_is.randB", "fixmask.B0", "fixmask.randB"),
                         [](const auto& run) {
                           std::string name = run.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace e5v::train
