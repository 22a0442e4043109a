#include "nn/tape.h"

#include <gmock/gmock.h>

#include "nn/gradients.h"
#include "ops/rows.h"

namespace e5v::nn {
namespace {

using tensor::DType;
using tensor::Matrix;
using tensor::Tensor;
using test::random_tensor;

TEST(Tape, FindsGradientsOfViews) {
  tensor::Arena arena, gradients;
  Tape tape(gradients);
  const Matrix x = arena.matrix(DType::f32, 4, 6), other = arena.matrix(DType::f32, 4, 6);
  tape.watch(x);
  const Matrix whole = *tape.gradient(x);
  for (std::int64_t r = 0; r < 4; ++r) {
    for (std::int64_t c = 0; c < 6; ++c) {
      EXPECT_EQ(whole.row<float>(r)[c], 0);
      whole.row<float>(r)[c] = static_cast<float>(10 * r + c);
    }
  }
  const Matrix part = *tape.gradient(x.row_range(1, 2).column_range(2, 3));
  EXPECT_EQ(part.rows, 2);
  EXPECT_EQ(part.columns, 3);
  EXPECT_EQ(part.row<float>(1)[2], 24);
  EXPECT_FALSE(tape.gradient(other).has_value());
}

TEST(Tape, InnerTapesKnowWhatOuterOnesWatch) {
  tensor::Arena arena, gradients;
  const Tensor weight = random_tensor(2, 2, 1), kept(DType::f32, {2, 2});
  Tape outer(gradients);
  outer.watch(matrix_of(weight), matrix_of(kept));
  Tape inner(&outer);
  EXPECT_EQ(inner.gradient(matrix_of(weight))->data, kept.data());
  EXPECT_EQ(inner.gradient(weight.view()).data(), kept.as<float>().data());
  EXPECT_THROW(outer.watch(matrix_of(weight), matrix_of(kept).row_range(0, 1)), InvalidInput);
}

TEST(Tape, RewindsTheLastFirst) {
  tensor::Arena gradients;
  Tape tape(gradients);
  std::vector<int> order;
  for (const int i : {1, 2, 3}) tape.record([&order, i] { order.push_back(i); });
  tape.rewind();
  tape.rewind();
  EXPECT_THAT(order, testing::ElementsAre(3, 2, 1));
}

TEST(Tape, ForgetsWhatItHeldWhenItIsRewound) {
  tensor::Arena gradients;
  Tape tape(gradients);
  auto held = std::make_shared<int>(1);
  tape.hold(held);
  EXPECT_EQ(held.use_count(), 2);
  tape.rewind();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace e5v::nn
