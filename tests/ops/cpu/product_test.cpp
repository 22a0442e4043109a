#include "ops/cpu/product.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "ops/random.h"

namespace e5v::ops::test {
namespace {

using cpu::Side;
using tensor::DType;
using tensor::Tensor;

reference::Matrix transposed(const reference::Matrix& x) {
  reference::Matrix result(x.columns, x.rows);
  for (std::int64_t r = 0; r < x.rows; ++r) {
    for (std::int64_t c = 0; c < x.columns; ++c) result.at(c, r) = x.at(r, c);
  }
  return result;
}

/// Either factor may be transposed, and all three matrices may be parts of wider ones.
TEST(Product, IsThatOfItsTwin) {
  constexpr std::int64_t kM = 5, kK = 37, kN = 11;
  for (const Side left : {Side::plain, Side::transposed}) {
    for (const Side right : {Side::plain, Side::transposed}) {
      const RandomMatrix a(left == Side::plain ? kM : kK, left == Side::plain ? kK : kM, 1);
      const RandomMatrix b(right == Side::plain ? kK : kN, right == Side::plain ? kN : kK, 2), start(kM, kN, 3);
      const reference::Matrix exact_a = left == Side::plain ? a.exact : transposed(a.exact);
      const reference::Matrix exact_bt = right == Side::plain ? transposed(b.exact) : b.exact;
      const reference::Matrix product = reference::matmul(exact_a, exact_bt, {});
      for (const bool add : {false, true}) {
        const Tensor wide(DType::f32, {kM, kN + 6});
        std::ranges::fill(wide.as<float>(), 9.0f);
        const tensor::Matrix c = matrix_of(wide).column_range(2, kN);
        for (std::int64_t r = 0; r < kM; ++r) std::copy_n(start.matrix().row<float>(r), kN, c.row<float>(r));
        cpu::product({a.matrix(), left}, {b.matrix(), right}, 0.5f, c, add);
        reference::Matrix expected = product;
        for (std::size_t i = 0; i < expected.values.size(); ++i)
          expected.values[i] = 0.5 * product.values[i] + (add ? start.exact.values[i] : 0);
        EXPECT_LT(max_difference(c, expected), 1e-5);
        for (std::int64_t r = 0; r < kM; ++r) {
          EXPECT_EQ(matrix_of(wide).row<float>(r)[1], 9);
          EXPECT_EQ(matrix_of(wide).row<float>(r)[2 + kN], 9);
        }
      }
    }
  }
}

TEST(Product, FactorsTellTheirOwnShape) {
  const RandomMatrix x(3, 7, 1);
  const cpu::Factor plain{x.matrix(), Side::plain}, turned{x.matrix(), Side::transposed};
  EXPECT_EQ(plain.rows(), 3);
  EXPECT_EQ(plain.columns(), 7);
  EXPECT_EQ(turned.rows(), 7);
  EXPECT_EQ(turned.columns(), 3);
}

TEST(Product, OfNothingIsNothing) {
  const Tensor none(DType::f32, {0, 4}), b(DType::f32, {4, 3}), c(DType::f32, {0, 3});
  EXPECT_NO_THROW(cpu::product({matrix_of(none), Side::plain}, {matrix_of(b), Side::plain}, 1, matrix_of(c), false));
}

}  // namespace
}  // namespace e5v::ops::test
