#include "nn/repeatable.h"

#include "nn/gradients.h"
#include "nn/norm.h"

namespace e5v::nn {
namespace {

using tensor::DType;
using tensor::Matrix;
using tensor::Tensor;
using test::random_tensor;

/// A layer with an adapter, used as a residual.
struct Block {
  Tensor w = random_tensor(8, 8, 2);
  Tensor norm = random_tensor(1, 8, 8);
  RmsNorm rms{norm.view(), 1e-5f};
  Lora adapter{"w", random_tensor(3, 8, 3), random_tensor(8, 3, 4), 0.5f, 9};
  Linear linear{{w.view()}, Precision::f32};

  Block() { linear.attach(0, &adapter); }

  void run(Matrix x, const Pass& pass) const {
    const Matrix g = pass.matrix(DType::f32, x.rows, x.columns);
    quick_gelu(pass, rms.forward(pass, x, {linear}).x_MK, g);
    linear.finish(pass, g, x);
  }
};

enum class Blocks { plain, repeated, kept };

/// The sum of weight * y, y being two blocks after each other; with a tape also its gradients.
double loss(const std::vector<Block>& blocks, const Tensor& x, const Tensor& weight, const Dropout& dropout, Blocks how,
            const std::vector<Tensor>* gradients) {
  tensor::Arena arena, gradient_arena;
  std::optional<Tape> tape;
  Pass pass(arena);
  if (gradients != nullptr) pass.tape = &tape.emplace(gradient_arena);
  const std::vector<std::uint64_t> names{5, 6, 7};
  pass.dropout = &dropout;
  pass.rows.names = names;
  pass.keeps_activations = how == Blocks::kept;
  const Matrix y = pass.matrix(DType::f32, 3, 8);
  ops::convert(matrix_of(x), y);
  if (tape) {
    for (std::size_t b = 0; b < 2; ++b) {
      tape->watch(matrix_of(blocks[b].adapter.a_RK), matrix_of((*gradients)[1 + 2 * b]));
      tape->watch(matrix_of(blocks[b].adapter.b_NR), matrix_of((*gradients)[2 + 2 * b]));
    }
  }
  for (const Block& block : blocks) {
    if (how != Blocks::plain)
      repeatable(pass, y, y, [&block](Matrix in, Matrix, const Pass& inner) { block.run(in, inner); });
    else
      block.run(y, pass);
  }
  double sum = 0;
  for (std::int64_t r = 0; r < 3; ++r) {
    for (std::int64_t c = 0; c < 8; ++c) {
      sum += static_cast<double>(y.row<float>(r)[c]) * static_cast<double>(matrix_of(weight).row<float>(r)[c]);
    }
  }
  if (!tape) return sum;
  ops::convert(matrix_of(weight), *tape->gradient(y));
  tape->rewind();
  ops::convert(*tape->gradient(y), matrix_of((*gradients)[0]));
  return sum;
}

struct Case {
  Blocks how;
  float probability;  // of dropout
};

class Repeatable : public testing::TestWithParam<Case> {};

/// Blocks that are computed once more, whose last product is left out then, and those whose activations are kept have
/// the gradients of finite differences, dropout included.
TEST_P(Repeatable, AdaptersAndDropoutAgreeWithFiniteDifferences) {
  std::vector<Block> blocks(2);
  const Tensor x = random_tensor(3, 8, 5), weight = random_tensor(3, 8, 6);
  const auto [how, probability] = GetParam();
  const Dropout dropout{probability, 1, 2};
  std::vector<Tensor> gradients;
  gradients.emplace_back(DType::f32, tensor::Shape{3, 8});
  for (int b = 0; b < 2; ++b) {
    gradients.emplace_back(DType::f32, tensor::Shape{3, 8});
    gradients.emplace_back(DType::f32, tensor::Shape{8, 3});
  }
  for (const Tensor& gradient : gradients) ops::fill(matrix_of(gradient), 0);
  const double there = loss(blocks, x, weight, dropout, how, &gradients);
  EXPECT_NEAR(there, loss(blocks, x, weight, dropout, Blocks::plain, nullptr), 1e-5);
  const std::vector<std::span<float>> values{x.as<float>(), blocks[0].adapter.a_RK.as<float>(),
                                             blocks[0].adapter.b_NR.as<float>(), blocks[1].adapter.a_RK.as<float>(),
                                             blocks[1].adapter.b_NR.as<float>()};
  for (std::size_t v = 0; v < values.size(); ++v) {
    for (std::size_t i = 0; i < values[v].size(); ++i) {
      const float before = values[v][i], step = 1e-2f;
      values[v][i] = before + step;
      const double above = loss(blocks, x, weight, dropout, Blocks::plain, nullptr);
      values[v][i] = before - step;
      const double below = loss(blocks, x, weight, dropout, Blocks::plain, nullptr);
      values[v][i] = before;
      EXPECT_NEAR(gradients[v].as<float>()[i], (above - below) / (2 * static_cast<double>(step)), 3e-3)
          << v << " " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, Repeatable,
                         testing::Values(Case{Blocks::plain, 0.4f}, Case{Blocks::repeated, 0},
                                         Case{Blocks::repeated, 0.4f}, Case{Blocks::kept, 0},
                                         Case{Blocks::kept, 0.4f}));

/// Gradients by what lies inside a block take memory for one block, however many there are.
TEST(RepeatableMemory, KeepsGradientsOfOneBlock) {
  const Block block;
  const auto bytes_of = [&](int blocks) {
    tensor::Arena arena, gradients;
    Tape tape(gradients);
    Pass pass(arena, tape);
    pass.keeps_activations = true;
    const Matrix y = pass.matrix(DType::f32, 1 << 16, 8);
    ops::fill(y, 1);
    for (int b = 0; b < blocks; ++b) {
      repeatable(pass, y, y, [&block](Matrix in, Matrix, const Pass& inner) { block.run(in, inner); });
    }
    ops::fill(*tape.gradient(y), 1);
    tape.rewind();
    return gradients.capacity();
  };
  EXPECT_EQ(bytes_of(8), bytes_of(1));
}

}  // namespace
}  // namespace e5v::nn
