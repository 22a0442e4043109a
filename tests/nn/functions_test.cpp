#include "nn/functions.h"

#include "nn/gradients.h"

namespace e5v::nn::test {
namespace {

using tensor::DType;
using tensor::Matrix;
using tensor::Tensor;
using testing::ThrowsMessage;

using Inputs = std::vector<Tensor>;

Inputs inputs_of(std::initializer_list<std::pair<std::int64_t, std::int64_t>> shapes) {
  Inputs inputs;
  for (const auto& [rows, columns] : shapes) {
    inputs.push_back(random_tensor(rows, columns, static_cast<unsigned>(inputs.size() + 1)));
  }
  return inputs;
}

/// A copy that a tape watches, for functions that work in place.
Matrix copy_of(const Pass& pass, const Tensor& x) {
  const Matrix y = pass.matrix(DType::f32, x.shape()[0], x.shape()[1]);
  RowCopies all;
  for (std::int64_t row = 0; row < y.rows; ++row) all.from.push_back(row), all.to.push_back(row);
  copy_rows(pass, matrix_of(x), all, y);
  return y;
}

TEST(Functions, ActivationsHaveTheGradientsOfFiniteDifferences) {
  for (const auto activation : {quick_gelu, gelu, gelu_tanh}) {
    expect_gradients(inputs_of({{3, 5}}), [activation](const Pass& pass, const Inputs& x) {
      const Matrix y = pass.matrix(DType::f32, 3, 5);
      activation(pass, matrix_of(x[0]), y);
      return y;
    });
  }
}

TEST(Functions, SwigluIsMadeForItsReader) {
  const Tensor w = random_tensor(2, 4, 9);
  const Linear exact({w.view()}, Precision::f32), rounded({w.view()}, Precision::bf16);
  expect_gradients(inputs_of({{3, 8}}), [&](const Pass& pass, const Inputs& x) {
    const Matrix y = pass.matrix(DType::f32, 3, 4);
    copy_rows(pass, swiglu(pass, matrix_of(x[0]), exact).x_MK, {{0, 1, 2}, {0, 1, 2}}, y);
    return y;
  });
  tensor::Arena arena;
  EXPECT_EQ(swiglu(arena, matrix_of(random_tensor(3, 8, 1)), rounded).x_MK.dtype, rounded.input_type());
}

TEST(Functions, RotaryTurnsByThePositionsOfThePass) {
  const ops::RotaryTable table({1.0f, 0.3f}, 9);
  const std::vector<std::int32_t> positions{0, 8, 3};
  expect_gradients(
      inputs_of({{3, 8}}),
      [](const Pass& pass, const Inputs& x) {
        const Matrix y = copy_of(pass, x[0]);
        rotary(pass, y);
        return y;
      },
      [&](Pass& pass) { pass.rows = {.positions = positions, .rotary = &table}; });
  tensor::Arena arena;
  EXPECT_THAT([&] { rotary(arena, matrix_of(random_tensor(3, 8, 1))); },
              ThrowsMessage<InvalidInput>("[rotary] the pass's rows have no table of angles"));
}

TEST(Functions, SelectRowsTakesThoseOfThePass) {
  const std::vector<std::int64_t> rows{2, 0, 2};
  const auto over_rows = [&](Pass& pass) { pass.rows.selected = rows; };
  expect_gradients(
      inputs_of({{4, 3}}),
      [](const Pass& pass, const Inputs& x) {
        const Matrix y = pass.matrix(DType::f32, 3, 3);
        select_rows(pass, matrix_of(x[0]), y);
        return y;
      },
      over_rows);
  tensor::Arena arena;
  Pass pass(arena);
  const Tensor x = random_tensor(4, 3, 1), other = random_tensor(4, 3, 2);
  EXPECT_EQ(select_rows(pass, Input(matrix_of(x))).x_MK.data, x.data()) << "all rows are x itself";
  select_rows(pass, matrix_of(x), matrix_of(x));
  EXPECT_THAT([&] { select_rows(pass, matrix_of(x), matrix_of(other)); },
              ThrowsMessage<InvalidInput>("[select_rows] the pass works on all rows: y must be x"));
  over_rows(pass);
  const tensor::ConstMatrix taken = select_rows(pass, Input(matrix_of(x))).x_MK;
  EXPECT_EQ(taken.rows, 3);
  EXPECT_EQ(taken.row<float>(0)[1], matrix_of(x).row<float>(2)[1]);
}

TEST(Functions, GatheredRowsAddToTheirTable) {
  const std::vector<std::int32_t> ids{3, 1, 3};
  expect_gradients(inputs_of({{4, 3}}), [&](const Pass& pass, const Inputs& x) {
    const Matrix y = pass.matrix(DType::f32, 3, 3);
    gather_rows(pass, x[0].view(), ids, y);
    return y;
  });
  tensor::Arena arena, gradients;
  Tape tape(gradients);
  const Pass pass(arena, tape);
  const Matrix y = pass.matrix(DType::f32, 3, 3);
  gather_rows(pass, random_tensor(4, 3, 1).view(), ids, y);  // nobody asks for the table's gradient
  tape.rewind();
}

TEST(Functions, PlacedPatchesHaveTheGradientsOfFiniteDifferences) {
  const std::int64_t tiles = 2, patches = 3, D = 4;
  expect_gradients(inputs_of({{tiles * patches, D}, {1, D}, {1 + patches, D}}), [&](const Pass& pass, const Inputs& x) {
    const auto token = std::make_shared<const Vector>(x[1].view()),
               positions = std::make_shared<const Vector>(x[2].view());
    pass.hold(token), pass.hold(positions);
    const Matrix dense = copy_of(pass, x[0]), y = pass.matrix(DType::f32, tiles * (1 + patches), D);
    place_patches(pass, dense, *token, *positions, y);
    return y;
  });
}

TEST(Functions, ConvertedRowsPassTheirGradientOn) {
  tensor::Arena arena, gradients;
  Tape tape(gradients);
  const Pass pass(arena, tape);
  const Matrix x = pass.matrix(DType::f32, 2, 3);
  ops::fill(x, 1.5f);
  EXPECT_EQ(converted(pass, x, DType::f32).data, x.data);
  const tensor::ConstMatrix half = converted(pass, x, DType::bf16);
  EXPECT_EQ(half.dtype, DType::bf16);
  ops::fill(*tape.gradient(half), 2);
  tape.rewind();
  EXPECT_EQ(tape.gradient(x)->row<float>(1)[2], 2);
}

TEST(Functions, CopiedRowsKeepTheirPlaces) {
  expect_gradients(inputs_of({{4, 3}}), [](const Pass& pass, const Inputs& x) {
    const Matrix y = pass.matrix(DType::f32, 3, 3);
    ops::fill(y, 0);
    copy_rows(pass, matrix_of(x[0]), {{3, 1}, {0, 2}}, y);
    return y;
  });
}

TEST(Functions, CopiesForTheBackwardPassOutliveTheirSource) {
  tensor::Arena arena;
  const Pass pass(arena);
  const Matrix x = pass.matrix(DType::f32, 2, 3);
  ops::fill(x, 3);
  const tensor::ConstMatrix kept = copy_for_backward(pass, x);
  ops::fill(x, 4);
  EXPECT_EQ(kept.row<float>(1)[2], 3);
}

}  // namespace
}  // namespace e5v::nn::test
