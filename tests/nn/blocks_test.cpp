#include "nn/blocks.h"

#include "nn/gradients.h"
#include "nn/norm.h"

namespace e5v::nn::test {
namespace {

using tensor::DType;
using tensor::Matrix;
using tensor::Tensor;

/// y = y + norm(y) W^T, by a block that notes which rows it was asked for.
struct Block {
  Tensor w = random_tensor(4, 4, 1), gamma = random_tensor(1, 4, 3);
  RmsNorm norm{gamma.view(), 1e-3f};
  Linear linear{{w.view()}, Precision::f32};
  std::vector<Rows>* asked;

  explicit Block(std::vector<Rows>* log) : asked(log) {}
  void forward(const Pass& all, tensor::ConstMatrix x_TD, const Pass& queries, Matrix y_QD) const {
    asked->push_back(all.rows);
    asked->push_back(queries.rows);
    select_rows(queries, x_TD, y_QD);
    linear.finish(queries, norm.forward(queries, y_QD, {linear}), y_QD);
  }
};

TEST(Blocks, TheLastOneComputesThePooledRowsAlone) {
  std::vector<Rows> asked;
  std::vector<Block> blocks;
  for (int i = 0; i < 3; ++i) blocks.emplace_back(&asked);
  const Tensor x = random_tensor(5, 4, 2), all = copied(x.view(), tensor::Place::host), y(DType::f32, {2, 4});
  const std::vector<std::int64_t> pooled{4, 1};
  tensor::Arena arena;
  run_blocks(blocks, arena, matrix_of(all));
  for (const Rows& rows : asked) EXPECT_FALSE(rows.selected.has_value());
  asked.clear();
  run_blocks(blocks, Pass(arena), matrix_of(x), {.fine = {.all = true}, .selected = pooled}, matrix_of(y));
  ASSERT_EQ(asked.size(), 6u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(asked[i].fine.all) << i;
  EXPECT_TRUE(asked[4].fine.all) << "keys and values are as fine as the rows that read them";
  EXPECT_FALSE(asked[4].selected.has_value());
  EXPECT_TRUE(asked[5].selected.has_value());
  for (std::int64_t p = 0; p < 2; ++p) {
    for (std::int64_t c = 0; c < 4; ++c) {
      EXPECT_EQ(matrix_of(y).row<float>(p)[c], matrix_of(all).row<float>(pooled[static_cast<std::size_t>(p)])[c]);
    }
  }
}

TEST(Blocks, HaveTheGradientsOfFiniteDifferences) {
  std::vector<Rows> asked;
  std::vector<Block> blocks;
  for (int i = 0; i < 3; ++i) blocks.emplace_back(&asked);
  const std::vector<std::int64_t> pooled{4, 1};
  for (const bool keeps : {false, true}) {
    std::vector<Tensor> inputs;
    inputs.push_back(random_tensor(5, 4, 2));
    expect_gradients(
        inputs,
        [&](const Pass& pass, const std::vector<Tensor>& in) {
          const Matrix x = pass.matrix(DType::f32, 5, 4), y = pass.matrix(DType::f32, 2, 4);
          copy_rows(pass, matrix_of(in[0]), {{0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}}, x);
          run_blocks(blocks, pass, x, {.selected = pooled}, y);
          return y;
        },
        [&](Pass& pass) { pass.keeps_activations = keeps; });
  }
}

}  // namespace
}  // namespace e5v::nn::test
