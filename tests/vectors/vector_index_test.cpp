#include "vectors/vector_index.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ops/isa.h"
#include "tensor/tensor.h"

namespace e5v::vectors {
namespace {

tensor::Tensor ones(std::int64_t rows, std::int64_t width) {
  tensor::Tensor result(tensor::DType::f32, {rows, width});
  std::ranges::fill(result.as<float>(), 1.0f);
  return result;
}

TEST(VectorIndex, BytesAreMadeWhereTheyServeAndFit) {
  const bool here = ops::vector_bits() >= 256;
  const tensor::Tensor wide = ones(10, 512), narrow = ones(10, 256);
  EXPECT_EQ(VectorIndex(tensor::matrix_of(wide.view())).bytes() != nullptr, here);
  EXPECT_EQ(VectorIndex(tensor::matrix_of(wide.view()), 5120).bytes() != nullptr, here);
  EXPECT_EQ(VectorIndex(tensor::matrix_of(wide.view()), 5119).bytes(), nullptr);
  EXPECT_EQ(VectorIndex(tensor::matrix_of(narrow.view())).bytes(), nullptr);
}

TEST(VectorIndex, LengthsAreBoundsFromAbove) {
  const tensor::Tensor rows = ones(3, 500);
  const VectorIndex index(tensor::matrix_of(rows.view()));
  ASSERT_EQ(index.lengths().size(), 3u);
  for (const float length : index.lengths()) {
    EXPECT_GE(double{length}, std::sqrt(500.0));
    EXPECT_LE(double{length}, 1.01 * std::sqrt(500.0));
  }
}

TEST(VectorIndex, VectorsOfBytesLoseNothing) {
  if (ops::vector_bits() < 256) GTEST_SKIP() << "nothing is rounded to 8 bits on this CPU";
  tensor::Tensor rows = ones(2, 512);
  const VectorIndex exact(tensor::matrix_of(rows.view()));
  for (const float lost : exact.bytes()->lost()) EXPECT_LT(lost, 1e-4);
  rows.as<float>()[0] = 0.5f + 1.0f / 512;  // half a step of 1/127, nearly
  EXPECT_GT(VectorIndex(tensor::matrix_of(rows.view())).bytes()->lost()[0], 1e-3f);
}

}  // namespace
}  // namespace e5v::vectors
