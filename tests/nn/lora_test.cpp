#include "nn/lora.h"

#include "nn/gradients.h"
#include "nn/linear.h"
#include "ops/dropout.h"

namespace e5v::nn::test {
namespace {

using tensor::DType;
using tensor::Matrix;
using tensor::Tensor;

constexpr std::int64_t kRows = 3, kInputs = 6, kOutputs = 5, kRank = 2;

Tensor copy_of(const Tensor& x) { return copied(x.view(), tensor::Place::host); }

TEST(Lora, AddsTheProductOfItsFactors) {
  const Tensor x = random_tensor(kRows, kInputs, 1), y = random_tensor(kRows, kOutputs, 2), before = copy_of(y);
  const Lora lora{"w", random_tensor(kRank, kInputs, 3), random_tensor(kOutputs, kRank, 4), 0.5f, 9};
  EXPECT_EQ(lora.rank(), kRank);
  EXPECT_EQ(lora.inputs(), kInputs);
  EXPECT_EQ(lora.outputs(), kOutputs);
  tensor::Arena arena;
  lora.add_to(arena, matrix_of(x), DType::f32, matrix_of(y));
  for (std::int64_t r = 0; r < kRows; ++r) {
    for (std::int64_t n = 0; n < kOutputs; ++n) {
      double sum = matrix_of(before).row<float>(r)[n];
      for (std::int64_t k = 0; k < kRank; ++k) {
        double inner = 0;
        for (std::int64_t i = 0; i < kInputs; ++i) {
          inner += double{matrix_of(x).row<float>(r)[i]} * matrix_of(lora.a_RK).row<float>(k)[i];
        }
        sum += 0.5 * inner * matrix_of(lora.b_NR).row<float>(n)[k];
      }
      EXPECT_NEAR(matrix_of(y).row<float>(r)[n], sum, 1e-5);
    }
  }
}

/// Dropout takes the rows' names from the pass, and the place from the adapter.
TEST(Lora, SeesWhatDropoutLeaves) {
  const Tensor x = random_tensor(kRows, kInputs, 1), dropped = copy_of(x);
  const Lora lora{"w", random_tensor(kRank, kInputs, 3), random_tensor(kOutputs, kRank, 4), 0.5f, 9};
  const Dropout dropout{0.4f, 1, 2};
  const std::vector<std::uint64_t> names{5, 6, 7};
  ops::dropout(matrix_of(x), 0.4f, {1, 2, 9}, names, matrix_of(dropped), false);
  tensor::Arena arena;
  Pass pass(arena);
  const Tensor expected(DType::f32, {kRows, kOutputs}), found(DType::f32, {kRows, kOutputs});
  ops::fill(matrix_of(expected), 0);
  ops::fill(matrix_of(found), 0);
  lora.add_to(pass, matrix_of(dropped), DType::f32, matrix_of(expected));
  pass.dropout = &dropout;
  pass.rows.names = names;
  lora.add_to(pass, matrix_of(x), DType::f32, matrix_of(found));
  EXPECT_TRUE(std::ranges::equal(found.as<float>(), expected.as<float>()));
}

TEST(Lora, HasTheGradientsOfFiniteDifferences) {
  const Dropout dropout{0.4f, 1, 2};
  const std::vector<std::uint64_t> names{5, 6, 7};
  const Tensor w = random_tensor(kOutputs, kInputs, 8);
  for (const bool drops : {false, true}) {
    std::vector<Tensor> inputs;
    inputs.push_back(random_tensor(kRows, kInputs, 1));
    inputs.push_back(random_tensor(kRank, kInputs, 3));
    inputs.push_back(random_tensor(kOutputs, kRank, 4));
    struct Adapted {
      Lora lora;
      Linear linear;
    };
    std::vector<std::shared_ptr<Adapted>> alive;
    expect_gradients(
        inputs,
        [&](const Pass& pass, const std::vector<Tensor>& in) {
          // An adapter over the very memory of the inputs, so that a tape finds their gradients.
          alive.push_back(std::make_shared<Adapted>(
              Adapted{{"w", random_tensor(kRank, kInputs, 3), random_tensor(kOutputs, kRank, 4), 0.5f, 9},
                      Linear({w.view()}, Precision::f32)}));
          Adapted& adapted = *alive.back();
          std::ranges::copy(in[1].as<float>(), adapted.lora.a_RK.as<float>().begin());
          std::ranges::copy(in[2].as<float>(), adapted.lora.b_NR.as<float>().begin());
          if (pass.tape != nullptr) {
            pass.tape->watch(matrix_of(adapted.lora.a_RK), *pass.tape->gradient(matrix_of(in[1])));
            pass.tape->watch(matrix_of(adapted.lora.b_NR), *pass.tape->gradient(matrix_of(in[2])));
          }
          adapted.linear.attach(0, &adapted.lora);
          return adapted.linear.forward(pass, matrix_of(in[0]));
        },
        [&](Pass& pass) {
          if (drops) pass.dropout = &dropout;
          pass.rows.names = names;
        });
  }
}

}  // namespace
}  // namespace e5v::nn::test
