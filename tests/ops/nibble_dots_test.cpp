#include "ops/nibble_dots.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "base/error.h"

namespace e5v::ops {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(NibbleDots, AreExactSumsOfTheRoundedVector) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (const std::size_t columns :
       {std::size_t{1}, std::size_t{31}, std::size_t{128}, std::size_t{129}, std::size_t{4096}}) {
    std::vector<float> x(columns);
    for (float& value : x) value = normal(random);
    const NibbleFactor factor(x);
    std::vector<std::uint8_t> numbers(columns);
    for (std::uint8_t& value : numbers) value = static_cast<std::uint8_t>(random() % 16);
    std::vector<std::byte> row(static_cast<std::size_t>(nibble_row_bytes(std::ssize(numbers))));
    pack_nibbles(numbers, row);
    std::int64_t sum = 0, product = 0;
    double lost = 0;
    for (std::size_t i = 0; i < columns; ++i) {
      sum += factor.rounded().values[i], product += std::int64_t{factor.rounded().values[i]} * numbers[i];
      lost += std::pow(double{x[i]} - double{factor.rounded().scale} * factor.rounded().values[i], 2);
    }
    EXPECT_EQ(factor.sum(), sum);
    EXPECT_EQ(factor.dot(row.data()), product) << columns;
    EXPECT_LE(std::sqrt(lost), factor.rounded().lost);
  }
}

/// All numbers have the largest value, so the sum is the largest one.
TEST(NibbleDots, SumsStayIn32Bits) {
  for (const std::size_t columns : {std::size_t{1}, std::size_t{4096}, std::size_t{65536}}) {
    const NibbleFactor factor(std::vector<float>(columns, 2.0f));
    std::vector<std::byte> row(static_cast<std::size_t>(nibble_row_bytes(static_cast<std::int64_t>(columns))));
    pack_nibbles(std::vector<std::uint8_t>(columns, 15), row);
    EXPECT_EQ(factor.dot(row.data()), 15 * factor.sum()) << columns;
    EXPECT_GT(factor.dot(row.data()), 0);
  }
}

TEST(NibbleDots, AnotherLengthIsAnError) {
  std::vector<std::byte> row(64);
  EXPECT_THAT([&] { pack_nibbles(std::vector<std::uint8_t>(129), row); },
              ThrowsMessage<InvalidInput>("[pack_nibbles] the row has 64 bytes, expected 128"));
  EXPECT_THAT([] { const NibbleFactor factor(std::vector<float>(65'537)); },
              ThrowsMessage<InvalidInput>("[nibble_dots] x has 65537 numbers, expected 1 to 65536"));
  EXPECT_THAT([] { const NibbleFactor factor({}); }, ThrowsMessage<InvalidInput>(HasSubstr("x has 0 numbers")));
}

}  // namespace
}  // namespace e5v::ops
