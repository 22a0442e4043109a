#include "nn/attention.h"

#include "nn/gradients.h"
#include "ops/reference/ops.h"

namespace e5v::nn::test {
namespace {

using tensor::DType;
using tensor::Matrix;
using tensor::Tensor;

constexpr std::int64_t kHeads = 4, kKvHeads = 2, kWidth = 8;  // E

/// A node of three rows and one of two that reads it; `queries` of each.
ops::AttentionPlan two_nodes() {
  ops::AttentionPlan plan;
  plan.nodes = {{0, 3}, {3, 2}};
  plan.spans = {{{0, 3}, {0}, true}, {{3, 2}, {0, 1}, true}};
  return plan;
}

std::vector<Tensor> queries_keys_values() {
  std::vector<Tensor> inputs;
  inputs.push_back(random_tensor(5, kHeads * kWidth, 1));
  inputs.push_back(random_tensor(5, kKvHeads * kWidth, 2));
  inputs.push_back(random_tensor(5, kKvHeads * kWidth, 3));
  return inputs;
}

TEST(Attention, EqualsItsTwinOverThePassesPlan) {
  const ops::AttentionPlan plan = two_nodes();
  const std::vector<Tensor> in = queries_keys_values();
  const Tensor w = random_tensor(3, kHeads * kWidth, 4);
  const Linear reader({w.view()}, Precision::f32);
  tensor::Arena arena;
  Pass pass(arena);
  pass.rows.plan = &plan;
  const Attention attention(kHeads, kKvHeads, kWidth, Precision::f32);
  const Matrix found = attention.forward(pass, matrix_of(in[0]), matrix_of(in[1]), matrix_of(in[2]), reader);
  std::vector<ops::reference::Matrix> exact;
  for (const Tensor& x : in) {
    std::ranges::copy(x.as<float>(), exact.emplace_back(5, x.shape()[1]).values.begin());
  }
  const auto expected = ops::reference::attention(exact[0], exact[1], exact[2], kHeads, kKvHeads,
                                                  1 / std::sqrt(static_cast<double>(kWidth)), plan);
  for (std::int64_t r = 0; r < 5; ++r) {
    for (std::int64_t c = 0; c < found.columns; ++c) EXPECT_NEAR(found.row<float>(r)[c], expected.at(r, c), 1e-5);
  }
}

TEST(Attention, HasTheGradientsOfFiniteDifferences) {
  const ops::AttentionPlan plan = two_nodes();
  const Tensor w = random_tensor(3, kHeads * kWidth, 4);
  const Linear reader({w.view()}, Precision::f32);
  const Attention attention(kHeads, kKvHeads, kWidth, Precision::f32);
  expect_gradients(
      queries_keys_values(),
      [&](const Pass& pass, const std::vector<Tensor>& in) {
        return attention.forward(pass, matrix_of(in[0]), matrix_of(in[1]), matrix_of(in[2]), reader);
      },
      [&](Pass& pass) { pass.rows.plan = &plan; });
}

TEST(Attention, NeedsAPlan) {
  const std::vector<Tensor> in = queries_keys_values();
  const Tensor w = random_tensor(3, kHeads * kWidth, 4);
  const Linear reader({w.view()}, Precision::f32);
  tensor::Arena arena;
  const Attention attention(kHeads, kKvHeads, kWidth, Precision::f32);
  EXPECT_THAT([&] { attention.forward(arena, matrix_of(in[0]), matrix_of(in[1]), matrix_of(in[2]), reader); },
              testing::ThrowsMessage<InvalidInput>("[attention] the pass's rows have no attention plan"));
}

}  // namespace
}  // namespace e5v::nn::test
