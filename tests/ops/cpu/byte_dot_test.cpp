#include "ops/cpu/byte_dot.h"

#include <gmock/gmock.h>

#include <random>
#include <vector>

namespace e5v::ops::test {
namespace {

/// Lengths around the vectors' widths, from places that are not aligned.
TEST(ByteDot, IsTheExactSum) {
  std::mt19937 random(1);
  std::vector<std::int16_t> a(300);
  std::vector<std::int8_t> b(300);
  for (std::int16_t& value : a) value = static_cast<std::int16_t>(static_cast<int>(random() % 60'001) - 30'000);
  for (std::int8_t& value : b) value = static_cast<std::int8_t>(static_cast<int>(random() % 256) - 128);
  for (const std::size_t begin : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
    for (std::size_t count = 0; count <= 290; ++count) {
      std::int64_t sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += std::int64_t{a[begin + i]} * b[begin + i];
      ASSERT_EQ(cpu::byte_dot(a.data() + begin, b.data() + begin, count), sum) << begin << " " << count;
    }
  }
}

/// Products of the ends of both ranges, which 16 bits would not hold.
TEST(ByteDot, HoldsTheLargestProducts) {
  const std::vector<std::int16_t> a(512, -32'768);
  const std::vector<std::int8_t> b(512, -128);
  EXPECT_EQ(cpu::byte_dot(a.data(), b.data(), 511), 511LL * 32'768 * 128);
  const std::vector<std::int16_t> c(512, 32'767);
  EXPECT_EQ(cpu::byte_dot(c.data(), b.data(), 512), -512LL * 32'767 * 128);
}

}  // namespace
}  // namespace e5v::ops::test
