#include "ops/nf4.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "base/parallel.h"
#include "ops/nf4_maps.h"

namespace e5v::ops {
namespace {

using tensor::DType;
using tensor::kNf4Block;
using tensor::kNf4NestedBlock;
using tensor::Tensor;
using tensor::TensorView;

template <std::size_t N>
TensorView view_of(const std::array<float, N>& map) {
  return {reinterpret_cast<const std::byte*>(map.data()), DType::f32, {static_cast<std::int64_t>(N)}};
}

float largest_of(std::span<const float> x) {
  float largest = 0;
  for (const float value : x) largest = std::max(largest, std::abs(value));
  return largest;
}

/// Rounds a block of numbers to codes, two per byte. A block of zeros divides by zero as in the reference; no threshold
/// is below NaN.
void round_block(std::span<const float> w, float largest, std::uint8_t* codes) {
  const float inverse = 1 / largest;
  const auto code = [&](std::size_t i) {
    const float x = w[i] * inverse;
    unsigned above = 0;
    for (const float threshold : kNf4Thresholds) above += x > threshold ? 1 : 0;
    return above;
  };
  for (std::size_t i = 0; i < w.size(); i += 2) {
    codes[i / 2] = static_cast<std::uint8_t>(code(i) << 4 | code(i + 1));
  }
}

/// Rounds all blocks of w, and returns their largest magnitudes.
template <class T>
std::vector<float> round_blocks(std::span<const T> w, std::span<std::uint8_t> codes) {
  const auto count = static_cast<std::int64_t>(w.size()), blocks = (count + kNf4Block - 1) / kNf4Block;
  std::vector<float> largest(static_cast<std::size_t>(blocks));
  parallel_for(blocks, 64, [&](std::int64_t block) {
    const auto begin = static_cast<std::size_t>(block * kNf4Block);
    const std::size_t size = std::min(static_cast<std::size_t>(kNf4Block), w.size() - begin);
    std::array<float, kNf4Block> wide{};
    for (std::size_t i = 0; i < size; ++i) wide[i] = static_cast<float>(w[begin + i]);
    const std::span<const float> given(wide.data(), size);
    float& scale = largest[static_cast<std::size_t>(block)] = largest_of(given);
    round_block(given, scale, codes.data() + begin / 2);
  });
  return largest;
}

/// The sum in the order of PyTorch's CPU kernel (cascade_sum in aten/src/ATen/native/cpu/SumKernel.cpp) with vectors of
/// eight floats. There are 32 running sums over rows of 32 numbers. After every `step` rows they are added to the next
/// of four levels, and at the end by vector and by lane.
float sum_as_torch(std::span<const float> x) {
  constexpr std::size_t kLanes = 8, kRow = 4 * kLanes, kLevels = 4;
  const std::size_t rows = x.size() / kRow;
  const std::size_t bits = std::max<std::size_t>(4, (rows < 2 ? 0 : std::bit_width(rows - 1)) / kLevels);
  const std::size_t step = std::size_t{1} << bits;
  std::array<std::array<float, kRow>, kLevels> sums{};
  for (std::size_t row = 0; row < rows;) {
    const std::size_t end = std::min(row + step, rows);
    const bool whole = end - row == step;
    for (; row < end; ++row) {
      for (std::size_t i = 0; i < kRow; ++i) sums[0][i] += x[row * kRow + i];
    }
    for (std::size_t level = 1; whole && level < kLevels; ++level) {
      for (std::size_t i = 0; i < kRow; ++i) sums[level][i] += std::exchange(sums[level - 1][i], 0.0f);
      if ((row & (step - 1) << level * bits) != 0) break;
    }
  }
  for (std::size_t level = 1; level < kLevels; ++level) {
    for (std::size_t i = 0; i < kRow; ++i) sums[0][i] += sums[level][i];
  }
  const std::size_t vectors_end = x.size() / kLanes * kLanes;
  for (std::size_t i = rows * kRow; i < vectors_end; ++i) sums[0][i % kLanes] += x[i];
  for (std::size_t i = kLanes; i < kRow; ++i) sums[0][i % kLanes] += sums[0][i];
  float sum = 0;
  for (std::size_t i = vectors_end; i < x.size(); ++i) sum += x[i];
  for (std::size_t lane = 0; lane < kLanes; ++lane) sum += sums[0][lane];
  return sum;
}

/// The index in the dynamic map of the number nearest to x. Of two equally near ones, the even index.
std::uint8_t nearest_in_map(float x) {
  const auto found = std::lower_bound(kDynamicMap.begin(), kDynamicMap.end(), x);
  const auto upper = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(found - kDynamicMap.begin(), 1, 255));
  const float middle = (kDynamicMap[upper - 1] + kDynamicMap[upper]) * 0.5f;
  const bool takes_upper = upper % 2 == 0 ? x >= middle : x > middle;
  return static_cast<std::uint8_t>(takes_upper ? upper : upper - 1);
}

/// Rounds scales minus the offset in blocks of 256.
void round_scales(std::span<const float> scales, float offset, std::span<std::uint8_t> rounded,
                  std::span<float> nested) {
  const auto block = static_cast<std::size_t>(kNf4NestedBlock);
  std::vector<float> rest(scales.begin(), scales.end());
  for (float& scale : rest) scale -= offset;
  for (std::size_t b = 0; b < nested.size(); ++b) {
    const std::size_t begin = b * block, end = std::min(begin + block, rest.size());
    nested[b] = largest_of(std::span(rest).subspan(begin, end - begin));
    const float inverse = 1 / nested[b];
    for (std::size_t i = begin; i < end; ++i) rounded[i] = nearest_in_map(rest[i] * inverse);
  }
}

std::vector<float> round_blocks_of(const TensorView& w, std::span<std::uint8_t> codes) {
  switch (w.dtype) {
    case DType::f16: return round_blocks(w.as<tensor::Half>(), codes);
    case DType::bf16: return round_blocks(w.as<tensor::BFloat16>(), codes);
    default: return round_blocks(w.as<float>(), codes);
  }
}

}  // namespace

Nf4Weight quantize_nf4(const TensorView& w_NK) {
  const tensor::StoredMatrix plain(w_NK);  // checks type and axes
  const std::int64_t count = plain.rows * plain.columns, blocks = (count + kNf4Block - 1) / kNf4Block;
  require(count > 0 && plain.columns % 8 == 0, "[quantize_nf4] w is {}, expected columns in multiples of 8",
          w_NK.shape.text());
  Nf4Weight weight{{DType::u8, {count / 2, 1}},
                   {DType::u8, {blocks}},
                   {DType::f32, {(blocks + kNf4NestedBlock - 1) / kNf4NestedBlock}},
                   {}};
  const std::vector<float> scales = round_blocks_of(w_NK, weight.codes.as<std::uint8_t>());
  const float offset = sum_as_torch(scales) / static_cast<float>(blocks);
  round_scales(scales, offset, weight.scales.as<std::uint8_t>(), weight.nested_scales.as<float>());
  const tensor::Nf4Tables tables{view_of(kNf4Map), view_of(kDynamicMap), weight.nested_scales.view(), offset};
  weight.matrix =
      tensor::StoredMatrix::nf4(weight.codes.view(), weight.scales.view(), tables, plain.rows, plain.columns);
  return weight;
}

}  // namespace e5v::ops
