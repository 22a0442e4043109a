#include "tensor/matrix.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace e5v::tensor {
namespace {

TEST(Matrix, RangesOfRowsAndColumns) {
  std::vector<float> values(24);
  std::iota(values.begin(), values.end(), 0.0f);
  const Tensor tensor = Tensor::from(std::span<const float>(values), {2, 2, 6});
  const Matrix matrix = matrix_of(tensor);
  EXPECT_EQ(matrix.rows, 4);
  EXPECT_EQ(matrix.columns, 6);
  const ConstMatrix block = matrix.row_range(1, 2).column_range(2, 3);
  EXPECT_EQ(block.rows, 2);
  EXPECT_EQ(block.columns, 3);
  EXPECT_EQ(block.stride, 6);
  EXPECT_EQ(block.row<float>(0)[0], 8);
  EXPECT_EQ(block.row<float>(1)[2], 16);
  matrix.row<float>(3)[5] = -1;
  EXPECT_EQ(tensor.as<float>()[23], -1);
}

TEST(Matrix, OfScalarsAndEmptyTensors) {
  EXPECT_EQ(matrix_of(Tensor(DType::f32, Shape{})).rows, 1);
  EXPECT_EQ(matrix_of(Tensor(DType::f32, Shape{}).view()).columns, 1);
  EXPECT_EQ(matrix_of(Tensor(DType::f32, {3, 0})).rows, 0);
  EXPECT_EQ(matrix_of(Tensor(DType::f32, {0, 3}).view()).rows, 0);
}

}  // namespace
}  // namespace e5v::tensor
