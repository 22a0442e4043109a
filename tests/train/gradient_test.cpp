// Gradients of whole models against finite differences, in every part that can be trained.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "train/captioning.h"
#include "train/grad_cache.h"
#include "train/small_model.h"

namespace e5v::train {
namespace {

using test::alone;
using test::Setting;
using test::SmallModel;

class Gradients : public testing::TestWithParam<Setting> {};

/// The loss along a random direction in all parameters: its slope is the gradient's share in that direction.
TEST_P(Gradients, AgreeWithFiniteDifferences) {
  SmallModel small(GetParam());
  Trainee& model = small.model;
  GradCache contrastive(model, {.micro_batch = 2}, alone);
  Captioning captioning(model, 2, alone);
  const nn::Dropout dropout{GetParam().dropout, 7, 3};
  const auto loss = [&] {
    model.clear_gradients();
    return GetParam().captions ? captioning.accumulate(small.captions, &dropout).loss
                               : contrastive.accumulate(small.batch, &dropout).loss;
  };
  loss();
  const std::vector<Parameter> parameters = model.parameters();
  std::vector<std::vector<float>> start, slope;
  for (const Parameter& parameter : parameters) {
    start.emplace_back(parameter.values.begin(), parameter.values.end());
    slope.emplace_back(parameter.gradient.begin(), parameter.gradient.end());
  }
  std::mt19937 random(11);
  std::normal_distribution<double> normal;
  int probed = 0;
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    // Tensors in turns, and the kinds that there are once: each probe costs two passes.
    if (parameters.size() > 20 && p % 7 != 3 && parameters[p].name.find("layers") != std::string::npos) continue;
    std::vector<double> direction(start[p].size());
    double squares = 0, expected = 0, gradient_square = 0;
    for (std::size_t i = 0; i < direction.size(); ++i) {
      // Half along the gradient, so that the slope stands out from rounding; half at random.
      gradient_square += static_cast<double>(slope[p][i]) * static_cast<double>(slope[p][i]);
      direction[i] = normal(random);
      squares += direction[i] * direction[i];
    }
    if (gradient_square == 0) continue;
    for (std::size_t i = 0; i < direction.size(); ++i) {
      direction[i] = direction[i] / std::sqrt(squares) + static_cast<double>(slope[p][i]) / std::sqrt(gradient_square);
      expected += direction[i] * static_cast<double>(slope[p][i]);
    }
    const auto loss_at = [&](double distance) {
      for (std::size_t i = 0; i < direction.size(); ++i) {
        parameters[p].values[i] = static_cast<float>(static_cast<double>(start[p][i]) + distance * direction[i]);
      }
      model.parameters_changed();
      const double result = loss();
      std::ranges::copy(start[p], parameters[p].values.begin());
      return result;
    };
    const double step = 2e-3;
    const double found = (loss_at(step) - loss_at(-step)) / (2 * step);
    EXPECT_NEAR(found, expected, 2e-2 * std::abs(expected) + 2e-3) << parameters[p].name;
    ++probed;
  }
  model.parameters_changed();
  EXPECT_GE(probed, 5);
}

INSTANTIATE_TEST_SUITE_P(Parts, Gradients,
                         testing::Values(Setting{"Lora", {"lora"}},
                                         Setting{"LoraWithDropout", {"lora"}, false, false, 0.3f},
                                         Setting{"LanguageModel", {"llm"}}, Setting{"Projector", {"projector"}, true},
                                         Setting{"Vision", {"vision"}, true}, Setting{"Everything", {"all"}, true},
                                         Setting{"Captions", {"llm"}, false, true},
                                         Setting{"CaptionsOfImages", {"all"}, true, true}),
                         [](const auto& setting) { return setting.param.name; });

}  // namespace
}  // namespace e5v::train
