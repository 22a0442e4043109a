// Rows of 8-bit floats on the GPU: what operations round, and what products make of it.
#include "ops/activation.h"
#include "ops/cuda.h"
#include "ops/matmul.h"
#include "ops/norm.h"

namespace e5v::ops::test {
namespace {

using tensor::BFloat16;

/// The numbers that the codes 0 to 126 of e4m3 stand for; they rise with the code.
std::vector<float> e4m3_numbers() {
  std::vector<float> numbers;
  for (int code = 0; code < 127; ++code) {
    const int exponent = code / 8, mantissa = code % 8;
    numbers.push_back(exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                                    : std::ldexp(static_cast<float>(8 + mantissa), exponent - 10));
  }
  return numbers;
}

/// The nearest code; of two the even one.
std::uint8_t e4m3(float x) {
  static const std::vector<float> numbers = e4m3_numbers();
  const auto above = std::ranges::lower_bound(numbers, std::min(std::abs(x), numbers.back()));
  auto code = static_cast<int>(above - numbers.begin());
  if (code > 0) {
    const float up = *above - std::abs(x), down = std::abs(x) - *(above - 1);
    if (down < up || (down == up && code % 2 == 1)) --code;
  }
  return static_cast<std::uint8_t>(code | (std::signbit(x) ? 0x80 : 0));
}

/// Memory for rounded rows.
struct Rounded {
  Tensor values, scales;

  Rounded(std::int64_t rows, std::int64_t columns)
      : values(empty(rows, columns, DType::u8)), scales(empty(rows, 1, DType::f32)) {}
  Fp8Rows rows() const { return {matrix_of(values), matrix_of(scales)}; }
};

/// Compares what an operation has rounded with its result in bf16, rounded here.
void expect_rounded(const Rounded& found, const Tensor& plain) {
  const Tensor values = on_host(found.values), scales = on_host(found.scales), host = on_host(plain);
  const std::int64_t rows = plain.shape()[0], columns = plain.shape()[1];
  for (std::int64_t row = 0; row < rows; ++row) {
    const BFloat16* x = matrix_of(host).row<BFloat16>(row);
    float largest = 0;
    for (std::int64_t c = 0; c < columns; ++c) largest = std::max(largest, std::abs(static_cast<float>(x[c])));
    const float factor = largest == 0 ? 0 : 448 / largest;
    ASSERT_EQ(scales.as<float>()[static_cast<std::size_t>(row)], largest == 0 ? 1 : largest / 448) << row;
    for (std::int64_t c = 0; c < columns; ++c) {
      const std::uint8_t code = matrix_of(values).row<std::uint8_t>(row)[c];
      ASSERT_EQ(code, e4m3(static_cast<float>(x[c]) * factor)) << "row " << row << ", column " << c;
    }
  }
}

/// Of y, the fine rows are those of the plain result, and no other is written.
void expect_only(const std::vector<std::int64_t>& fine, const Tensor& y, const Tensor& plain) {
  const Tensor found = on_host(y), expected = on_host(plain), untouched = on_host(empty(1, y.shape()[1], y.dtype()));
  const auto bytes = static_cast<std::size_t>(y.shape()[1] * size_of(y.dtype()));
  for (std::int64_t row = 0; row < y.shape()[0]; ++row) {
    const bool is_fine = std::ranges::find(fine, row) != fine.end();
    const std::byte* wanted = is_fine ? matrix_of(expected).row_range(row, 1).data : untouched.data();
    EXPECT_EQ(std::memcmp(matrix_of(found).row_range(row, 1).data, wanted, bytes), 0) << row;
  }
}

void zero_row(const RandomMatrix& x, std::int64_t row) {
  std::fill_n(x.matrix().row<float>(row), x.matrix().columns, 0.0f);
}

class CudaFp8Widths : public Cuda, public testing::WithParamInterface<std::int64_t> {
 protected:
  static constexpr std::int64_t M = 37;
  const std::vector<std::int64_t> fine{36, 0, 7};
  /// Also with all rows kept, and, where products are of fp8, that these are the same without rows that are rounded
  /// before. round(y, fine, rounded) is the operation, plain(y) the one without rounding.
  void check(const auto& round, const auto& plain) const {
    const std::int64_t K = GetParam(), N = 32;
    const Tensor expected = empty(M, K, DType::bf16);
    plain(expected);
    for (const FineRows wanted : {FineRows{}, FineRows{.some = fine}, FineRows{.all = true}}) {
      const Rounded rounded(M, K);
      const Tensor y = empty(M, K, DType::bf16);
      round(y, wanted, rounded.rows());
      expect_rounded(rounded, expected);
      std::vector<std::int64_t> kept(wanted.some.begin(), wanted.some.end());
      for (std::int64_t row = 0; wanted.all && row < M; ++row) kept.push_back(row);
      expect_only(kept, y, expected);
      if (wanted.all || K % 16 != 0) continue;
      const RandomMatrix w(N, K, 9);
      const Tensor gw = on_gpu(w, DType::bf16), product = empty(M, N), separate = empty(M, N);
      const Weight weight(parts_of({gw.view()}), Arithmetic::fp8);
      matmul(matrix_of(y), weight, {}, matrix_of(product), false, wanted, rounded.rows());
      matmul(matrix_of(expected), weight, {}, matrix_of(separate), false, wanted);
      EXPECT_EQ(difference(product, on_host(separate)), 0);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Widths, CudaFp8Widths,
                         testing::Values(1, 33, 40, 256, 1000, 1024, 4096, 8192, 14336, 16400, 20480));

TEST_P(CudaFp8Widths, NormsRoundTheirRows) {
  const std::int64_t D = GetParam();
  const RandomMatrix x(M, D, 1), gamma(1, D, 2);
  zero_row(x, 3);
  const Tensor gx = on_gpu(x), ggamma = on_gpu(gamma);
  check([&](const Tensor& y, FineRows wanted,
            const Fp8Rows& q) { rms_norm_fp8(matrix_of(gx), ggamma.as<float>(), 1e-5f, matrix_of(y), wanted, q); },
        [&](const Tensor& y) { rms_norm(matrix_of(gx), ggamma.as<float>(), 1e-5f, matrix_of(y)); });
}

TEST_P(CudaFp8Widths, SwigluRoundsItsRows) {
  const std::int64_t F = GetParam();
  const RandomMatrix x(M, 2 * F, 1, 2);
  zero_row(x, 36);
  for (const DType type : {DType::f32, DType::bf16}) {
    const Tensor gx = on_gpu(x, type);
    check(
        [&](const Tensor& y, FineRows wanted, const Fp8Rows& q) { swiglu_fp8(matrix_of(gx), matrix_of(y), wanted, q); },
        [&](const Tensor& y) { swiglu(matrix_of(gx), matrix_of(y)); });
  }
}

TEST_F(Cuda, RowsThatAreRoundedAreChecked) {
  const Tensor x = empty(2, 32), y = empty(2, 32, DType::bf16), gamma = empty(1, 32), gw = ones(16, 32);
  const Rounded other(2, 16), right(2, 32);
  const std::vector<std::int64_t> outside{2};
  EXPECT_THAT(message_of<InvalidInput>(
                  [&] { rms_norm_fp8(matrix_of(x), gamma.as<float>(), 1e-5f, matrix_of(y), {}, other.rows()); }),
              testing::HasSubstr("[rms_norm] rounded x is [2, 16], expected [2, 32]"));
  EXPECT_THAT(message_of<InvalidInput>(
                  [&] { rms_norm_fp8(matrix_of(x), gamma.as<float>(), 1e-5f, matrix_of(y), {outside}, right.rows()); }),
              testing::HasSubstr("[rms_norm] fine row 2 of 2"));
  const Weight weight(parts_of({gw.view()}), Arithmetic::bf16);
  EXPECT_THAT(message_of<InvalidInput>(
                  [&] { matmul(matrix_of(y), weight, {}, matrix_of(empty(2, 16)), false, {}, right.rows()); }),
              testing::HasSubstr("x is rounded to fp8"));
}

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
