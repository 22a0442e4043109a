#include "vectors/vector_array.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"

namespace e5v::vectors {
namespace {

template <class T>
void widen(const std::byte* from, std::span<double> to) {
  for (double& value : to) {
    T number;
    std::memcpy(&number, from, sizeof(T));
    value = static_cast<double>(static_cast<std::conditional_t<std::is_same_v<T, double>, double, float>>(number));
    from += sizeof(T);
  }
}

double largest_of(std::span<const double> row) {
  double largest = 0;
  for (const double value : row) largest = std::isfinite(value) ? std::max(largest, std::abs(value)) : HUGE_VAL;
  return largest;
}

/// A row's length as a multiple of its largest number: so no square overflows or vanishes.
double relative_length(std::span<const double> row, double largest) {
  double sum = 0;
  for (const double value : row) sum += (value / largest) * (value / largest);
  return std::sqrt(sum);
}

/// The first of the rows that cannot be used.
class FirstRow {
 public:
  void add(std::int64_t row) {
    std::int64_t known = row_;
    while (row < known && !row_.compare_exchange_weak(known, row)) {
    }
  }
  bool any() const { return row_ != kNone; }
  std::int64_t row() const { return row_; }

 private:
  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  std::atomic<std::int64_t> row_ = kNone;
};

/// Calls visit(i, row) for the rows, widened, from many threads.
template <class Visit>
void for_each_row(const VectorArray& array, const Visit& visit) {
  constexpr std::int64_t kRows = 64;
  parallel_for((array.rows + kRows - 1) / kRows, 1, [&](std::int64_t part) {
    std::vector<double> row(static_cast<std::size_t>(array.columns));
    for (std::int64_t i = part * kRows; i < std::min(array.rows, (part + 1) * kRows); ++i) {
      array.read(i, row);
      visit(i, std::span<const double>(row));
    }
  });
}

}  // namespace

void VectorArray::read(std::int64_t i, std::span<double> row) const {
  const std::byte* from = numbers + i * columns * tensor::size_of(dtype);
  switch (dtype) {
    case tensor::DType::f16: return widen<tensor::Half>(from, row);
    case tensor::DType::bf16: return widen<tensor::BFloat16>(from, row);
    case tensor::DType::f32: return widen<float>(from, row);
    default: return widen<double>(from, row);
  }
}

bool require_directions(const VectorArray& array, const std::string& name) {
  FirstRow infinite, zero;
  std::atomic<bool> scaled =
      array.dtype == tensor::DType::f32 && reinterpret_cast<std::uintptr_t>(array.numbers) % alignof(float) == 0;
  for_each_row(array, [&](std::int64_t i, std::span<const double> row) {
    const double largest = largest_of(row);
    if (largest == HUGE_VAL) return infinite.add(i);
    if (largest == 0) return zero.add(i);
    constexpr double kRounding = 5e-6;  // of the length of an f32 vector that was scaled
    if (std::abs(largest * relative_length(row, largest) - 1) > kRounding) scaled = false;
  });
  require(!infinite.any(), "[{}] row {} (from 0) holds NaN or infinity", name, infinite.row());
  require(!zero.any(), "[{}] row {} (from 0) is all zeros, so that it has no direction", name, zero.row());
  return scaled;
}

tensor::Tensor scaled_rows(const VectorArray& array) {
  tensor::Tensor result(tensor::DType::f32, {array.rows, array.columns});
  const std::span<float> to = result.as<float>();
  for_each_row(array, [&](std::int64_t i, std::span<const double> row) {
    const double largest = largest_of(row), length = relative_length(row, largest);
    std::ranges::transform(row, to.begin() + i * array.columns,
                           [&](double value) { return static_cast<float>(value / largest / length); });
  });
  return result;
}

}  // namespace e5v::vectors
