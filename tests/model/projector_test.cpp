#include "model/projector.h"

#include <gmock/gmock.h>

#include <cmath>

#include "model/vision_fixture.h"

namespace e5v::model::test {
namespace {

using tensor::DType;
using tensor::Tensor;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ProjectorOfTheTinyModel : public Vision {};

TEST_F(ProjectorOfTheTinyModel, HasTheReferencesRows) {
  const Projector projector(checkpoint, config, nn::Precision::f32);
  const tensor::ConstMatrix features = matrix_of(*expected.find("vision_tile0_hs2_selected"));
  const Tensor y(DType::f32, {features.rows - 1, config.text.width});
  projector.forward(features.row_range(1, features.rows - 1), matrix_of(y), arena);  // without the class token
  EXPECT_LT(max_difference(matrix_of(y), matrix_of(*expected.find("projected_tile0"))), kVisionTolerance);
}

/// A projector of 3 inputs and 2 outputs in memory.
struct SmallProjector {
  ModelConfig config;
  std::vector<Tensor> tensors;
  tensor::TensorMap map;

  SmallProjector() {
    config.text.width = 2;
    config.vision.emplace().width = 3;
    add("linear_1.weight", {2, 3}, {1, -2, 0.5f, 0.25f, 3, -1});
    add("linear_1.bias", {2}, {0.5f, -0.75f});
    add("linear_2.weight", {2, 2}, {2, -1, 0.5f, 1.5f});
    add("linear_2.bias", {2}, {-3, 4});
  }
  void add(const std::string& name, const tensor::Shape& shape, const std::vector<float>& values) {
    tensors.push_back(Tensor::from<float>(std::span<const float>(values), shape));
    map["multi_modal_projector." + name] = tensors.back().view();
  }
  std::vector<float> forward(const std::vector<float>& x, const nn::Lora* first = nullptr) const {
    const Checkpoint checkpoint(map, "memory");
    Projector projector(checkpoint, config, nn::Precision::f32);
    if (first != nullptr) projector.attach("linear_1", *first);
    const Tensor in = Tensor::from<float>(std::span<const float>(x), {1, 3}), y(DType::f32, {1, 2});
    tensor::Arena arena;
    projector.forward(matrix_of(in), matrix_of(y), arena);
    return {y.as<float>().begin(), y.as<float>().end()};
  }
};

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::quick_gelu: return x / (1 + std::exp(-1.702 * x));
    case Activation::gelu: return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case Activation::gelu_tanh: break;
  }
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

TEST(Projector, IsLinearActivationLinear) {
  SmallProjector small;
  const std::vector<float> x{0.5f, -1, 2};
  for (const bool bias : {true, false}) {
    for (const Activation activation : {Activation::gelu, Activation::gelu_tanh, Activation::quick_gelu}) {
      small.config.projector_activation = activation, small.config.projector_bias = bias;
      const double h0 = activated(activation, 0.5 + 2 + 1 + (bias ? 0.5 : 0));
      const double h1 = activated(activation, 0.125 - 3 - 2 + (bias ? -0.75 : 0));
      const std::vector<float> found = small.forward(x);
      EXPECT_NEAR(found[0], 2 * h0 - h1 + (bias ? -3 : 0), 1e-5);
      EXPECT_NEAR(found[1], 0.5 * h0 + 1.5 * h1 + (bias ? 4 : 0), 1e-5);
    }
  }
}

TEST(Projector, AdaptersAddToTheirMatrix) {
  SmallProjector small;
  nn::Lora adapter{"projector.linear_1", Tensor(DType::f32, {1, 3}), Tensor(DType::f32, {2, 1}), 2, 0};
  std::ranges::copy(std::vector<float>{1, 0, -1}, adapter.a_RK.as<float>().begin());
  std::ranges::copy(std::vector<float>{0.5f, 0.25f}, adapter.b_NR.as<float>().begin());
  const std::vector<float> found = small.forward({0.5f, -1, 2}, &adapter);
  const double ax = 2 * (0.5 - 2);
  const double h0 = activated(Activation::gelu, 4 + 0.5 * ax), h1 = activated(Activation::gelu, -5.625 + 0.25 * ax);
  EXPECT_NEAR(found[0], 2 * h0 - h1 - 3, 1e-5);
  EXPECT_NEAR(found[1], 0.5 * h0 + 1.5 * h1 + 4, 1e-5);
}

TEST(Projector, MissingMatricesAreNamed) {
  SmallProjector small;
  Projector projector(Checkpoint(small.map, "memory"), small.config, nn::Precision::f32);
  const nn::Lora adapter{"x", Tensor(DType::f32, {1, 3}), Tensor(DType::f32, {2, 1}), 1, 0};
  EXPECT_THAT([&] { projector.attach("linear_3", adapter); },
              ThrowsMessage<InvalidInput>("[projector] there is no matrix linear_3 to adapt"));
  small.config.vision->width = 4;
  EXPECT_THAT([&] { small.forward({}); }, ThrowsMessage<ModelError>(HasSubstr("expected shape [2, 4]")));
  small.config.vision->width = 3;
  small.map.erase("multi_modal_projector.linear_2.bias");
  EXPECT_THAT([&] { small.forward({}); },
              ThrowsMessage<ModelError>(HasSubstr("\"projector.linear_2.bias\" is missing")));
}

}  // namespace
}  // namespace e5v::model::test
