#include "ops/cpu/nibble_dot.h"

#include <gmock/gmock.h>

#include <random>
#include <vector>

#include "ops/nibble_dots.h"

namespace e5v::ops::test {
namespace {

TEST(NibbleDot, IsTheExactSum) {
  std::mt19937 random(1);
  for (const std::size_t groups : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
    std::vector<std::int16_t> x(groups * kNibbleGroup);
    std::vector<std::uint8_t> numbers(x.size());
    for (std::int16_t& value : x) value = static_cast<std::int16_t>(static_cast<int>(random() % 65'535) - 32'767);
    for (std::uint8_t& value : numbers) value = static_cast<std::uint8_t>(random() % 16);
    std::vector<std::byte> row(static_cast<std::size_t>(nibble_row_bytes(std::ssize(numbers))) + 1);
    pack_nibbles(numbers, std::span(row).subspan(1));  // a place that is not aligned
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += std::int64_t{x[i]} * numbers[i];
    EXPECT_EQ(cpu::nibble_dot(x.data(), row.data() + 1, groups), sum) << groups;
  }
}

/// The largest numbers of both kinds, all of one sign.
TEST(NibbleDot, HoldsTheLargestSums) {
  const std::vector<std::int16_t> x(4096, 32'767);
  std::vector<std::byte> row(2048, std::byte{0xff});
  EXPECT_EQ(cpu::nibble_dot(x.data(), row.data(), 32), 4096 * 15 * 32'767LL);
}

}  // namespace
}  // namespace e5v::ops::test
