#include "ops/rotary.h"

#include <gmock/gmock.h>

#include "ops/random.h"

namespace e5v::ops::test {
namespace {

TEST(Rotary, EqualsItsTwin) {
  for (const std::int64_t pairs : {1, 5, 8, 64}) {
    std::vector<float> frequencies;
    for (std::int64_t i = 0; i < pairs; ++i)
      frequencies.push_back(std::pow(1e4f, -static_cast<float>(i) / static_cast<float>(pairs)));
    const RotaryTable table(frequencies, 64);
    RandomMatrix x(6, 3 * 2 * pairs, 1);
    const std::vector<std::int32_t> positions{0, 1, 5, 63, 2, 2};
    reference::rotary(x.exact, positions, {frequencies.begin(), frequencies.end()});
    rotary(x.matrix(), positions, table);
    EXPECT_LT(max_difference(x.matrix(), x.exact), 2e-5) << pairs;
  }
}

TEST(Rotary, GrowingTablesKeepTheirValues) {
  const GrowingRotaryTable growing({1.0f, 0.25f});
  const auto small = growing.covering(3), same = growing.covering(10), large = growing.covering(5000);
  EXPECT_EQ(small, same);
  EXPECT_GE(large->positions(), 5000);
  for (std::int64_t position = 0; position < 10; ++position) {
    for (std::int64_t pair = 0; pair < 2; ++pair) {
      EXPECT_EQ(small->cosines(position)[pair], large->cosines(position)[pair]);
      EXPECT_EQ(small->sines(position)[pair], large->sines(position)[pair]);
    }
  }
}

TEST(Rotary, ListedPositionsTurnEachPairByItsAxis) {
  const GrowingRotaryTable tables({1.0f, 0.5f, 0.25f}, 2, {0, 2, 1});
  const std::vector<RotaryPosition> positions{{3, 3, 3}, {4, 5, 6}};
  const auto listed = tables.of(positions), all = tables.covering(10);
  ASSERT_EQ(listed->positions(), 2);
  for (std::int64_t pair = 0; pair < 3; ++pair) {
    EXPECT_EQ(listed->cosines(0)[pair], all->cosines(3)[pair]);
    EXPECT_EQ(listed->sines(1)[pair], all->sines(std::array{4, 6, 5}[static_cast<std::size_t>(pair)])[pair]);
  }
  EXPECT_THAT(message_of<InvalidInput>([&] { RotaryTable({1.0f}, positions, std::vector<std::uint8_t>{3}); }),
              testing::StrEq("[rotary] axis 3, expected 0, 1 or 2"));
}

TEST(Rotary, ArgumentsAreChecked) {
  const RotaryTable table({1.0f, 0.5f}, 4);
  const RandomMatrix x(1, 8, 1), odd(1, 6, 1);
  EXPECT_THAT(message_of<InvalidInput>([&] { rotary(x.matrix(), std::vector<std::int32_t>{4}, table); }),
              testing::StrEq("[rotary] position 4 is outside the table of 4"));
  EXPECT_THAT(message_of<InvalidInput>([&] { rotary(odd.matrix(), std::vector<std::int32_t>{0}, table); }),
              testing::HasSubstr("6 columns are no multiple of the head width 4"));
}

TEST(RotaryBackward, EqualsFiniteDifferences) {
  for (const std::size_t pairs : {std::size_t{3}, std::size_t{8}}) {
    std::vector<float> frequencies;
    for (std::size_t i = 0; i < pairs; ++i) frequencies.push_back(1.0f / static_cast<float>(i + 1));
    const RotaryTable table(frequencies, 50);
    const std::vector<std::int32_t> positions{0, 7, 49};
    const auto width = static_cast<std::int64_t>(4 * pairs);
    const RandomMatrix x(3, width, 1), dy(3, width, 2);
    const tensor::Tensor gradient = tensor::Tensor::from(dy.floats(), {3, width});
    rotary_backward(matrix_of(gradient), positions, table);
    const auto expected = numeric_gradient(x.exact, dy.exact, [&](reference::Matrix v) {
      reference::rotary(v, positions, {frequencies.begin(), frequencies.end()});
      return v;
    });
    EXPECT_LT(max_difference(matrix_of(gradient), expected), 1e-5);
  }
}

}  // namespace
}  // namespace e5v::ops::test
