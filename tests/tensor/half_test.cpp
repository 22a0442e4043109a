#include "tensor/half.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <vector>

namespace e5v::tensor {
namespace {

constexpr int kPatterns = 1 << 16;

/// The value of a pattern by the definition of binary formats: sign, exponent, fraction.
double value_of(int bits, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const int exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const double sign = (bits >> 15) != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) {
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - fraction_bits);
  return sign * std::ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);
}

struct Format {
  int exponent_bits, fraction_bits;
};
constexpr Format kHalf{5, 10}, kBFloat16{8, 7};

std::vector<double> all_values(Format format) {
  std::vector<double> values;
  for (int bits = 0; bits < kPatterns; ++bits) {
    values.push_back(value_of(bits, format.exponent_bits, format.fraction_bits));
  }
  return values;
}

/// The pattern of the finite non-negative value that is nearest to x, the even one on a tie. `infinity` is its pattern,
/// and counts as the next power of two.
int nearest(double x, const std::vector<double>& values, int infinity, double next_power) {
  const auto end = values.begin() + infinity;
  const auto upper = std::upper_bound(values.begin(), end, x);
  const int low = static_cast<int>(upper - values.begin()) - 1;
  const double above = low + 1 == infinity ? next_power : values[static_cast<std::size_t>(low) + 1];
  const double below = values[static_cast<std::size_t>(low)];
  if (x - below == above - x) return low % 2 == 0 ? low : low + 1;
  return x - below < above - x ? low : low + 1;
}

template <class T>
void check_widening(Format format) {
  const std::vector<double> values = all_values(format);
  for (int bits = 0; bits < kPatterns; ++bits) {
    T number;
    number.bits = static_cast<std::uint16_t>(bits);
    const auto found = static_cast<float>(number);
    const double expected = values[static_cast<std::size_t>(bits)];
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(found)) << bits;
    } else {
      ASSERT_EQ(found, expected) << bits;
      ASSERT_EQ(std::signbit(found), bits >= 0x8000) << bits;
      ASSERT_EQ(T(found).bits, bits) << "round trip";
    }
    ASSERT_EQ(std::isnan(static_cast<float>(T(found))), std::isnan(expected)) << bits;
  }
}

template <class T>
void check_rounding(float x, const std::vector<double>& values, int infinity, double next_power) {
  const int expected = nearest(x, values, infinity, next_power);
  ASSERT_EQ(T(x).bits, expected) << x;
  ASSERT_EQ(T(-x).bits, expected | 0x8000) << -x;
}

/// All midpoints between neighbours and the floats beside them, where rounding decides, and a walk over all floats.
template <class T>
void check_narrowing(Format format, int infinity) {
  const std::vector<double> values = all_values(format);
  const double next_power = std::ldexp(1, 1 << (format.exponent_bits - 1));
  for (int low = 0; low < infinity; ++low) {
    const double above = low + 1 == infinity ? next_power : values[static_cast<std::size_t>(low) + 1];
    const auto middle = static_cast<float>((values[static_cast<std::size_t>(low)] + above) / 2);
    for (const float x : {std::nextafterf(middle, 0), middle, std::nextafterf(middle, INFINITY)}) {
      check_rounding<T>(x, values, infinity, next_power);
    }
  }
  for (std::uint32_t word = 0; word < 0x7F80'0000u; word += 9973) {
    const auto x = std::bit_cast<float>(word);
    if (x < next_power) check_rounding<T>(x, values, infinity, next_power);
  }
}

TEST(Half, WidensEveryPattern) { check_widening<Half>(kHalf); }
TEST(Half, NarrowsToTheNearest) { check_narrowing<Half>(kHalf, 0x7C00); }
TEST(BFloat16, WidensEveryPattern) { check_widening<BFloat16>(kBFloat16); }
TEST(BFloat16, NarrowsToTheNearest) { check_narrowing<BFloat16>(kBFloat16, 0x7F80); }

TEST(Half, LargeInfiniteAndNaN) {
  EXPECT_EQ(Half(65519.0f).bits, 0x7BFF);
  EXPECT_EQ(Half(65520.0f).bits, 0x7C00);
  EXPECT_EQ(Half(1e30f).bits, 0x7C00);
  EXPECT_EQ(Half(-INFINITY).bits, 0xFC00);
  EXPECT_TRUE(std::isnan(static_cast<float>(Half(std::bit_cast<float>(0x7F80'0001u)))));
}

TEST(BFloat16, LargeInfiniteAndNaN) {
  EXPECT_EQ(BFloat16(std::numeric_limits<float>::max()).bits, 0x7F80);
  EXPECT_EQ(BFloat16(-INFINITY).bits, 0xFF80);
  // A NaN whose payload lies in the bits that are cut off must not become infinite.
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(std::bit_cast<float>(0x7F80'0001u)))));
}

/// The definition of e4m3: bias 7, and NaN in the place of the largest number.
double value_of_float8(int bits) {
  const int exponent = (bits >> 3) & 15, fraction = bits & 7;
  if ((bits & 0x7F) == 0x7F) return std::numeric_limits<double>::quiet_NaN();
  const double size = exponent == 0 ? std::ldexp(fraction, -9) : std::ldexp(8 + fraction, exponent - 10);
  return (bits & 0x80) != 0 ? -size : size;
}

TEST(Float8, EveryPatternWidensToItsValueAndComesBack) {
  for (int bits = 0; bits < 256; ++bits) {
    Float8 number;
    number.bits = static_cast<std::uint8_t>(bits);
    const double expected = value_of_float8(bits);
    if (std::isnan(expected)) {
      EXPECT_TRUE(number.is_nan() && std::isnan(static_cast<float>(number))) << bits;
    } else {
      EXPECT_EQ(static_cast<float>(number), expected) << bits;
      EXPECT_EQ(Float8(static_cast<float>(number)).bits, bits);
    }
  }
}

TEST(Float8, RoundsToTheNearestTiesToEven) {
  for (int bits = 0; bits < 0x7E; ++bits) {
    const double low = value_of_float8(bits), high = value_of_float8(bits + 1), middle = (low + high) / 2;
    const auto rounded = [](double x) { return Float8(static_cast<float>(x)).bits; };
    EXPECT_EQ(rounded(std::nextafter(static_cast<float>(middle), 0.0f)), bits);
    EXPECT_EQ(rounded(middle), bits % 2 == 0 ? bits : bits + 1);
    EXPECT_EQ(rounded(std::nextafter(static_cast<float>(middle), 1000.0f)), bits + 1);
    EXPECT_EQ(rounded(-middle), 0x80 | (bits % 2 == 0 ? bits : bits + 1));
  }
  EXPECT_EQ(Float8(464.0f).bits, 0x7E);
  for (const float x : {465.0f, 1e30f, INFINITY, NAN, -INFINITY}) EXPECT_TRUE(Float8(x).is_nan()) << x;
}

}  // namespace
}  // namespace e5v::tensor
