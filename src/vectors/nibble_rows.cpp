#include "vectors/nibble_rows.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "ops/nibble_dots.h"
#include "ops/quantize.h"
#include "tensor/stored_matrix.h"
#include "vectors/bounds.h"

namespace e5v::vectors {
namespace {

/// Rounds one rotated vector. The levels cover the entries up to this multiple of their root mean square: of normally
/// distributed entries, the high plane then loses 12 % of the length, and both together 1.4 %. A wider range would lose
/// more in the high plane, a narrower one in both.
constexpr double kRange = 3.3;

RowBounds round_row(std::span<const float> x_D, std::span<std::uint8_t> high, std::span<std::uint8_t> low) {
  const double length = length_of(x_D);
  double largest = 0;
  for (const float value : x_D) largest = std::max(largest, std::abs(double{value}));
  const double range = std::min(largest, kRange * length / std::sqrt(static_cast<double>(x_D.size())));
  RowBounds bounds;
  bounds.length = kMargin * static_cast<float>(length);
  bounds.step = static_cast<float>(range / 127.5);
  double lost_high = 0, lost = 0;
  for (std::size_t d = 0; d < x_D.size(); ++d) {
    const double level = bounds.step == 0 ? 0 : std::nearbyint(double{x_D[d]} / double{bounds.step});
    const int number = static_cast<int>(std::clamp<double>(level, -128, 127)) + 128;
    high[d] = static_cast<std::uint8_t>(number / 16), low[d] = static_cast<std::uint8_t>(number % 16);
    const double by_high = double{x_D[d]} - double{bounds.step} * (16 * (high[d] - 8) + 7.5);
    const double by_both = double{x_D[d]} - double{bounds.step} * (number - 128);
    lost_high += by_high * by_high, lost += by_both * by_both;
  }
  bounds.lost_high = kMargin * static_cast<float>(std::sqrt(lost_high));
  bounds.lost = kMargin * static_cast<float>(std::sqrt(lost));
  return bounds;
}

}  // namespace

const std::byte* NibbleRows::high_row(std::int64_t row) const {
  return high.data() + row * ops::nibble_row_bytes(width);
}
const std::byte* NibbleRows::low_row(std::int64_t row) const { return low.data() + row * ops::nibble_row_bytes(width); }

tensor::Matrix matrix_of_floats(std::span<float> numbers, std::int64_t rows) {
  const std::int64_t columns = std::ssize(numbers) / rows;
  return {reinterpret_cast<std::byte*>(numbers.data()), tensor::DType::f32, rows, columns, columns};
}

void copy_as_floats(tensor::ConstMatrix vectors_ND, std::int64_t begin, tensor::Matrix out_ND) {
  const tensor::StoredMatrix stored(
      tensor::TensorView{vectors_ND.data, vectors_ND.dtype, {vectors_ND.rows, vectors_ND.columns}});
  ops::expand_rows(stored, begin, out_ND);
}

void NibbleBuffer::append(tensor::ConstMatrix vectors_ND) {
  const auto width = static_cast<std::size_t>(rotation_.width());
  require(vectors_ND.columns == rotation_.width() && vectors_ND.stride == vectors_ND.columns,
          "[nibble rows] vectors have {} dimensions and are {} apart, expected {}", vectors_ND.columns,
          vectors_ND.stride, width);
  require(vectors_ND.dtype == tensor::DType::f16 || vectors_ND.dtype == tensor::DType::f32,
          "[nibble rows] vectors are {}, expected f16 or f32", tensor::name_of(vectors_ND.dtype));
  const auto bytes = static_cast<std::size_t>(ops::nibble_row_bytes(rotation_.width()));
  const std::size_t before = bounds_.size(), rows = before + static_cast<std::size_t>(vectors_ND.rows);
  high_.resize(rows * bytes), low_.resize(rows * bytes), bounds_.resize(rows);
  constexpr std::int64_t kGrain = 64;
  parallel_for((vectors_ND.rows + kGrain - 1) / kGrain, 1, [&](std::int64_t chunk) {
    const std::int64_t begin = chunk * kGrain, count = std::min(kGrain, vectors_ND.rows - begin);
    std::vector<float> floats(static_cast<std::size_t>(count) * width);
    copy_as_floats(vectors_ND, begin, matrix_of_floats(floats, count));
    std::vector<std::uint8_t> high(width), low(width);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::span<float> x_D = std::span(floats).subspan(static_cast<std::size_t>(i) * width, width);
      rotation_.apply(x_D);
      const std::size_t row = before + static_cast<std::size_t>(begin + i);
      bounds_[row] = round_row(x_D, high, low);
      ops::pack_nibbles(high, std::span(high_).subspan(row * bytes, bytes));
      ops::pack_nibbles(low, std::span(low_).subspan(row * bytes, bytes));
    }
  });
}

void NibbleBuffer::clear() { high_.clear(), low_.clear(), bounds_.clear(); }

}  // namespace e5v::vectors
