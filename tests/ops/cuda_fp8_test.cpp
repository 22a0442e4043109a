// Rows of 8-bit floats on the GPU: what operations round, and what products make of it.
#include "ops/cuda.h"
#include "ops/matmul.h"

namespace e5v::ops::test {
namespace {

/// Root mean square of what is wrong, over that of what is right, of some rows.
double relative_error(const Tensor& found, const reference::Matrix& expected, const std::vector<std::int64_t>& rows) {
  const Tensor host = on_host(widened(found.view()));
  double wrong = 0, right = 0;
  for (const std::int64_t row : rows) {
    for (std::int64_t c = 0; c < expected.columns; ++c) {
      const double difference = matrix_of(host).row<float>(row)[c] - expected.at(row, c);
      wrong += difference * difference, right += expected.at(row, c) * expected.at(row, c);
    }
  }
  return std::sqrt(wrong / right);
}

TEST_F(Cuda, Fp8ProductsAreNearAndFineRowsNearer) {
  const std::int64_t M = 70, K = 256, N = 96;
  const RandomMatrix x(M, K, 1), w(N, K, 2), bias(1, N, 3), start(M, N, 4);
  const Tensor gx = on_gpu(x, DType::bf16), gw = on_gpu(w, DType::bf16), gbias = on_gpu(bias);
  const Weight weight(parts_of({gw.view()}), Arithmetic::fp8);
  EXPECT_THAT(weight.kernel(), testing::HasSubstr("fp8"));
  const auto expected = reference::matmul(rounded(x, DType::bf16), rounded(w, DType::bf16), bias.exact.values);
  reference::Matrix sum = expected;
  for (std::size_t i = 0; i < sum.values.size(); ++i) sum.values[i] += start.exact.values[i];
  const std::vector<std::int64_t> fine{0, 13, 69}, others{1, 12, 14, 68};
  for (const DType type : {DType::f32, DType::bf16}) {
    const Tensor y = empty(M, N, type);
    matmul(matrix_of(gx), weight, gbias.as<float>(), matrix_of(y), false, {.some = fine});
    EXPECT_LT(relative_error(y, expected, fine), 0.005) << name_of(type);
    EXPECT_LT(relative_error(y, expected, others), 0.06) << name_of(type);
    EXPECT_GT(relative_error(y, expected, others), 0.01) << "fp8 was not used";
    matmul(matrix_of(gx), weight, gbias.as<float>(), matrix_of(y), false, {.all = true});
    EXPECT_LT(relative_error(y, expected, others), 0.005) << name_of(type);
  }
  const Tensor y = on_gpu(start);
  matmul(matrix_of(gx), weight, gbias.as<float>(), matrix_of(y), true, {.some = fine});
  EXPECT_LT(relative_error(y, sum, fine), 0.005);
  EXPECT_LT(relative_error(y, sum, others), 0.06);
  const RandomMatrix odd(24, 40, 5);  // no multiples of 16: bf16
  const Tensor godd = on_gpu(odd, DType::bf16);
  EXPECT_THAT(Weight(parts_of({godd.view()}), Arithmetic::fp8).kernel(), testing::HasSubstr("bf16"));
}

}  // namespace
}  // namespace e5v::ops::test
