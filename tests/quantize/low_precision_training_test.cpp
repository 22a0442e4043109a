// Training over weights of 16, 8 and 4 bits in the arithmetic that the CPU has for them.
#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "base/json.h"
#include "base/parallel.h"
#include "families/llava_next/prepare.h"
#include "golden.h"
#include "ops/isa.h"
#include "quantize/quantizer.h"
#include "temporary_folder.h"
#include "train/examples.h"
#include "train/grad_cache.h"
#include "train/optimizer.h"

namespace e5v::quantize {
namespace {

namespace fs = std::filesystem;
using e5v::test::golden;

struct Base {
  std::string name;
  tensor::WeightFormat format;
  nn::Precision precision;
  double loss_tolerance;  ///< of a loss near 2, which the temperature multiplies differences of cosines for
  double min_cosine;      ///< of the gradients of a tensor to those of f32
};

const std::vector<train::Pair>& pairs() {
  static const std::vector<train::Pair> result = [] {
    std::vector<train::Pair> triplets;
    const Json data = read_json(golden("train/data.json"));
    for (const Json& triplet : data.at("batches").at(0)) {
      triplets.push_back({Input::from_text(triplet.at(0).get<std::string>()),
                          Input::from_text(triplet.at(1).get<std::string>()), triplet.at(2).get<std::string>()});
    }
    return triplets;
  }();
  return result;
}

/// The tiny checkpoint with adapters, in a precision.
struct Model {
  train::Trainee trainee;
  train::PairBatch batch;
  processes::Group alone;
  train::GradCache cache;
  std::vector<train::Parameter> parameters;

  Model(const fs::path& folder, nn::Precision precision)
      : trainee(folder, {}, options(precision)),
        cache(trainee, {.micro_batch = 6}, alone),
        parameters(trainee.parameters()) {
    embed::Preparer preparer = families::make_llava_next_preparer(
        golden("ckpt/tiny-small-f32"), model::read_config(golden("ckpt/tiny-small-f32")), {});
    batch = train::Examples(preparer, {}).contrastive(pairs());
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0, 0.05f);
    for (const nn::Lora& part : trainee.lora()->adapter().parts) {
      for (float& value : part.b_NR.as<float>()) value = normal(random);
    }
  }

  static train::TraineeOptions options(nn::Precision precision) {
    train::TraineeOptions result;
    result.lora = {.rank = 8, .alpha = 16, .dropout = 0.1};
    result.precision = precision;
    return result;
  }

  double accumulate(std::uint32_t step = 0) {
    trainee.clear_gradients();
    const nn::Dropout dropout{0.1f, 7, step};
    return cache.accumulate(batch, &dropout).loss;
  }

  std::vector<double> learn(int steps) {
    const std::vector<train::TrainedSpan> spans(parameters.begin(), parameters.end());
    train::Optimizer optimizer(spans, {});
    std::vector<double> losses;
    for (int step = 0; step < steps; ++step) {
      losses.push_back(accumulate(static_cast<std::uint32_t>(step)));
      train::clip_gradients(spans, 1);
      optimizer.step(spans, 2e-3);
    }
    return losses;
  }
};

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

class LowPrecisionTraining : public testing::TestWithParam<Base> {
 protected:
  void SetUp() override {
    model_ = golden("ckpt/tiny-small-bf16-2shard");
    if (GetParam().format == tensor::WeightFormat::plain) return;
    QuantizeOptions options;
    options.model = model_;
    options.output = folder_.path() / "quantised";
    options.format = GetParam().format;
    quantize_checkpoint(options);
    model_ = options.output;
  }

  e5v::test::TemporaryFolder folder_;
  fs::path model_;
};

TEST_P(LowPrecisionTraining, LossAndGradientsAreThoseOfF32UpToRounding) {
  Model exact(model_, nn::Precision::f32), rounded(model_, GetParam().precision);
  EXPECT_NEAR(rounded.accumulate(), exact.accumulate(), GetParam().loss_tolerance);
  for (std::size_t i = 0; i < exact.parameters.size(); ++i) {
    const auto expected = exact.parameters[i].gradient, found = rounded.parameters[i].gradient;
    const double norm = std::sqrt(dot(expected, expected)), length = std::sqrt(dot(found, found));
    ASSERT_GT(norm, 0) << exact.parameters[i].name;
    EXPECT_GT(dot(expected, found) / norm / length, GetParam().min_cosine) << exact.parameters[i].name;
    EXPECT_NEAR(length / norm, 1, 0.08) << exact.parameters[i].name;
  }
}

TEST_P(LowPrecisionTraining, LearnsAsF32Does) {
  const std::vector<double> exact = Model(model_, nn::Precision::f32).learn(12),
                            found = Model(model_, GetParam().precision).learn(12);
  EXPECT_LT(found.back(), 0.5 * found.front());
  EXPECT_NEAR(found.back(), exact.back(), 0.1 * exact.front());
}

TEST_P(LowPrecisionTraining, DoesNotDependOnTheNumberOfThreads) {
  if (!ops::has_native_bf16()) GTEST_SKIP() << "oneDNN's f32 product cuts sums among threads";
  const int threads = thread_count();
  std::vector<std::vector<float>> gradients;
  for (const int count : {1, 2, 3}) {
    set_thread_count(count);
    Model model(model_, GetParam().precision);
    std::vector<float>& all = gradients.emplace_back(1, static_cast<float>(model.accumulate()));
    for (const train::Parameter& parameter : model.parameters) {
      all.insert(all.end(), parameter.gradient.begin(), parameter.gradient.end());
    }
  }
  set_thread_count(threads);
  EXPECT_TRUE(gradients[1] == gradients[0]);
  EXPECT_TRUE(gradients[2] == gradients[0]);
}

INSTANTIATE_TEST_SUITE_P(Bases, LowPrecisionTraining,
                         testing::Values(Base{"bf16", tensor::WeightFormat::plain, nn::Precision::bf16, 0.03, 0.998},
                                         Base{"int8", tensor::WeightFormat::int8, nn::Precision::int8, 0.15, 0.975},
                                         Base{"int4", tensor::WeightFormat::int4, nn::Precision::bf16, 0.03, 0.995},
                                         Base{"nf4", tensor::WeightFormat::nf4, nn::Precision::bf16, 0.03, 0.995}),
                         [](const auto& base) { return base.param.name; });

}  // namespace
}  // namespace e5v::quantize
