// Legend: R rows, Q query rows, D width.
#include "model/clip_block.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "model/clip_twin.h"

namespace e5v::model::test {
namespace {

using tensor::DType;
using tensor::Tensor;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t kClipWidth = 24, kClipMlp = 40, kClipRows = 7;

/// Two tiles of rows that see each other, and a causal text.
ops::AttentionPlan tiles_and_text() {
  ops::AttentionPlan plan;
  plan.nodes = {{0, 2}, {2, 2}, {4, 3}};
  plan.spans = {{{0, 2}, {0}, false}, {{2, 2}, {1}, false}, {{4, 3}, {2}, true}};
  return plan;
}

class ClipBlockTwin : public testing::Test {
 protected:
  ClipBlockTwin() {
    for (std::size_t i = 0; i < x.as<float>().size(); ++i) x.as<float>()[i] = std::sin(static_cast<float>(i * i % 97));
  }
  ClipBlock block() const {
    return {ClipBlockWeights::from(Checkpoint(weights.tensors, "memory", std::nullopt, clip_names()), "b.", kClipWidth,
                                   kClipMlp),
            config, nn::Precision::f32};
  }
  /// The rows of all queries.
  Tensor rows_of(const ClipBlock& clip) const {
    Tensor y(DType::f32, x.shape());
    std::ranges::copy(x.as<float>(), y.as<float>().begin());
    tensor::Arena arena;
    const nn::Pass all = nn::Pass(arena).over({.plan = &plan});
    clip.forward(all, matrix_of(y), all, matrix_of(y));
    return y;
  }
  static void expect_near(const Tensor& found, const Exact& expected) {
    for (std::size_t i = 0; i < expected.values.size(); ++i)
      ASSERT_NEAR(found.as<float>()[i], expected.values[i], 2e-5) << i;
  }

  RandomClipBlock weights{kClipWidth, kClipMlp};
  ClipBlockConfig config{3, 1e-5f, Activation::quick_gelu};
  ops::AttentionPlan plan = tiles_and_text();
  Tensor x{DType::f32, {kClipRows, kClipWidth}};
};

TEST_F(ClipBlockTwin, RowsAreThoseOfTheEquations) {
  using namespace ops::reference;
  expect_near(rows_of(block()), weights.forward(exact(matrix_of(x)), config, quick_gelu, plan));
  config.activation = Activation::gelu;
  expect_near(rows_of(block()), weights.forward(exact(matrix_of(x)), config, gelu, plan));
  config.heads = 2, config.norm_eps = 0.5f;
  expect_near(rows_of(block()), weights.forward(exact(matrix_of(x)), config, gelu, plan));
}

/// For rows that are no queries only keys and values are computed, so queries see them all the same.
TEST_F(ClipBlockTwin, QueriesHaveTheRowsThatAllHave) {
  const Exact expected = weights.forward(exact(matrix_of(x)), config, ops::reference::quick_gelu, plan);
  const std::vector<std::int64_t> selected{6, 2};
  ops::AttentionPlan query_plan = plan;
  query_plan.spans = {{{0, 1}, {2}, true}, {{1, 1}, {1}, false}};
  const Tensor y(DType::f32, {2, kClipWidth});
  tensor::Arena arena;
  const nn::Pass all = nn::Pass(arena).over({.plan = &plan});
  block().forward(all, matrix_of(x), all.over({.plan = &query_plan, .selected = selected}), matrix_of(y));
  for (std::int64_t q = 0; q < 2; ++q) {
    for (std::int64_t d = 0; d < kClipWidth; ++d)
      ASSERT_NEAR(matrix_of(y).row<float>(q)[d], expected.at(selected[static_cast<std::size_t>(q)], d), 2e-5);
  }
}

/// An adapter is an addition to its weight.
TEST_F(ClipBlockTwin, AdaptersAddToTheirMatrix) {
  const std::vector<std::tuple<std::string, std::int64_t, std::int64_t>> matrices{
      {"self_attn.q_proj", 24, 24},   {"self_attn.k_proj", 24, 24}, {"self_attn.v_proj", 24, 24},
      {"self_attn.out_proj", 24, 24}, {"mlp.fc1", 40, 24},          {"mlp.fc2", 24, 40}};
  const Tensor plain = rows_of(block());
  for (const auto& [name, outputs, inputs] : matrices) {
    SCOPED_TRACE(name);
    nn::Lora adapter{name, Tensor(DType::f32, {1, inputs}), Tensor(DType::f32, {outputs, 1}), 0.5f, 0};
    for (std::int64_t i = 0; i < inputs; ++i)
      adapter.a_RK.as<float>()[static_cast<std::size_t>(i)] = 0.1f * static_cast<float>(i % 3);
    for (std::int64_t i = 0; i < outputs; ++i)
      adapter.b_NR.as<float>()[static_cast<std::size_t>(i)] = 0.2f * static_cast<float>(i % 5);
    ClipBlock adapted = block();
    adapted.attach(name, &adapter);
    const Tensor found = rows_of(adapted);
    EXPECT_FALSE(std::ranges::equal(found.as<float>(), plain.as<float>()));
    RandomClipBlock merged(kClipWidth, kClipMlp);
    const tensor::TensorView view = merged.tensors.at("b." + name + ".weight");
    auto* weight = const_cast<float*>(view.as<float>().data());
    for (std::int64_t n = 0; n < outputs; ++n) {
      for (std::int64_t k = 0; k < inputs; ++k)
        weight[n * inputs + k] += 0.5f * 0.1f * static_cast<float>(k % 3) * 0.2f * static_cast<float>(n % 5);
    }
    expect_near(found, merged.forward(exact(matrix_of(x)), config, ops::reference::quick_gelu, plan));
  }
}

TEST_F(ClipBlockTwin, MissingMatricesAndTensorsAreNamed) {
  const nn::Lora adapter{"x", Tensor(DType::f32, {1, 24}), Tensor(DType::f32, {24, 1}), 1, 0};
  ClipBlock clip = block();
  EXPECT_THAT([&] { clip.attach("self_attn.o_proj", &adapter); },
              ThrowsMessage<InvalidInput>("[clip] a block has no matrix self_attn.o_proj to adapt"));
  EXPECT_THROW(clip.attach("mlp.fc1", &adapter), InvalidInput);  // of another shape
  weights.tensors.erase("b.mlp.fc2.bias");
  EXPECT_THAT([&] { block(); }, ThrowsMessage<ModelError>(HasSubstr("\"b.mlp.fc2.bias\" is missing")));
  weights.tensors["b.layer_norm2.bias"].shape = {12};
  EXPECT_THAT([&] { block(); }, ThrowsMessage<ModelError>(HasSubstr("\"b.layer_norm2.bias\": expected shape [24]")));
}

}  // namespace
}  // namespace e5v::model::test
