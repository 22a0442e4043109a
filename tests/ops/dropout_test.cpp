#include "ops/dropout.h"

#include <gmock/gmock.h>

#include "base/philox.h"
#include "ops/random.h"
#include "ops/rows.h"
#include "tensor/tensor.h"

namespace e5v::ops {
namespace {

using tensor::DType;
using tensor::Tensor;

/// Whether an element is dropped, by the definition in dropout.h.
bool is_dropped(std::int64_t column, float probability, const DropoutKey& key, std::uint64_t name) {
  const auto group = static_cast<std::uint32_t>(column / 128), place = static_cast<std::uint32_t>(column % 128);
  const auto numbers = philox4x32(
      {16 * group + place % 16, key.place, static_cast<std::uint32_t>(name), static_cast<std::uint32_t>(name >> 32)},
      {key.seed, key.step});
  const std::uint32_t half = place / 16;
  const std::uint32_t value = numbers[half / 2] >> (half % 2 == 0 ? 0 : 16) & 0xFFFF;
  return value < static_cast<std::uint32_t>(std::lround(probability * 65536));
}

TEST(Dropout, DropsWhatTheDefinitionSays) {
  const std::vector<std::uint64_t> names{3, 0xFFFF'FFFF'0000'0001, 77};
  const DropoutKey key{5, 6, 7};
  for (const std::int64_t columns : {1, 15, 16, 127, 128, 129, 1000}) {
    for (const float probability : {0.0f, 0.05f, 0.5f}) {
      const Tensor x(DType::f32, {3, columns});
      fill(matrix_of(x), 2);
      dropout(matrix_of(x), probability, key, names, matrix_of(x));
      for (std::int64_t r = 0; r < 3; ++r) {
        for (std::int64_t c = 0; c < columns; ++c) {
          const bool dropped = is_dropped(c, probability, key, names[static_cast<std::size_t>(r)]);
          ASSERT_FLOAT_EQ(matrix_of(x).row<float>(r)[c], dropped ? 0 : 2 / (1 - probability))
              << columns << " " << r << " " << c;
        }
      }
    }
  }
}

TEST(Dropout, HasItsShare) {
  std::vector<std::uint64_t> names(100);
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = i;
  const Tensor x(DType::f32, {100, 1000});
  fill(matrix_of(x), 1);
  dropout(matrix_of(x), 0.25f, {1, 2, 3}, names, matrix_of(x));
  const auto dropped = std::ranges::count(x.as<float>(), 0.0f);
  EXPECT_NEAR(static_cast<double>(dropped), 25000, 600);  // four standard deviations
}

TEST(Dropout, RoundsAndAdds) {
  const std::vector<std::uint64_t> names{3, 4};
  const DropoutKey key{5, 6, 7};
  for (const std::int64_t columns : {5, 128, 333}) {
    const Tensor x(DType::f32, {2, columns}), narrow(DType::bf16, {2, columns}), rounded(DType::bf16, {2, columns}),
        sum(DType::f32, {2, columns});
    for (std::size_t i = 0; i < x.as<float>().size(); ++i) x.as<float>()[i] = 1 + 0.25f * static_cast<float>(i % 50);
    convert(matrix_of(x), matrix_of(narrow));  // exactly
    fill(matrix_of(sum), 10);
    dropout(matrix_of(narrow), 0.3f, key, names, matrix_of(rounded));
    dropout(matrix_of(narrow), 0.3f, key, names, matrix_of(sum), true);
    dropout(matrix_of(x), 0.3f, key, names, matrix_of(x));
    EXPECT_GT(std::ranges::count(x.as<float>(), 0.0f), 0);
    for (std::size_t i = 0; i < x.as<float>().size(); ++i) {
      const float value = x.as<float>()[i];
      EXPECT_EQ(static_cast<float>(rounded.as<tensor::BFloat16>()[i]), static_cast<float>(tensor::BFloat16(value)));
      EXPECT_FLOAT_EQ(sum.as<float>()[i], 10 + value);
    }
  }
}

TEST(Dropout, ChecksItsArguments) {
  const Tensor x(DType::f32, {2, 4}), half(DType::bf16, {2, 4}), wide(DType::f32, {2, 5});
  const std::vector<std::uint64_t> names{1, 2};
  const auto message = [&](float probability, std::span<const std::uint64_t> rows, const Tensor& y, bool add) {
    return test::message_of<InvalidInput>([&] { dropout(matrix_of(x), probability, {}, rows, matrix_of(y), add); });
  };
  EXPECT_EQ(message(1, names, x, false), "[dropout] probability 1 is not in [0, 1)");
  EXPECT_EQ(message(0.5f, std::span(names).first(1), x, false), "[dropout] names has 1 elements, expected 2");
  EXPECT_EQ(message(0.5f, names, half, true), "[dropout] y that is added to is bf16, expected f32");
  EXPECT_EQ(message(0.5f, names, wide, false), "[dropout] y is [2, 5], expected [2, 4]");
}

}  // namespace
}  // namespace e5v::ops
