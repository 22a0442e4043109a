#include "tensor/tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <type_traits>

#include "base/parallel.h"

namespace e5v::tensor {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kHugePages = 2;  // from this size on, rounding up to whole pages wastes little
constexpr std::int64_t kGrain = 1 << 16;

/// Calls f(begin, end) over [0, count) in parallel pieces.
template <class F>
void for_pieces(std::int64_t count, const F& f) {
  parallel_for((count + kGrain - 1) / kGrain, 1,
               [&](std::int64_t piece) { f(piece * kGrain, std::min(count, (piece + 1) * kGrain)); });
}

template <class T>
void widen(std::span<const T> from, std::span<float> to) {
  for_pieces(static_cast<std::int64_t>(from.size()), [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      to[i] = static_cast<float>(from[i]);
    }
  });
}

template <class T>
bool finite(std::span<const T> values) {
  std::atomic<bool> result = true;
  for_pieces(static_cast<std::int64_t>(values.size()), [&](std::int64_t begin, std::int64_t end) {
    // x - x is 0 for finite x and NaN otherwise; the sum keeps the loop free of branches.
    using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;
    Wide sum = 0;
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const auto value = static_cast<Wide>(values[i]);
      sum += value - value;
    }
    if (!std::isfinite(sum)) result.store(false, std::memory_order_relaxed);
  });
  return result;
}

}  // namespace

Buffer::Buffer(std::size_t bytes, Place place) : data_(nullptr, Free(place, bytes)), size_(bytes) {
  if (bytes == 0) return;
  if (place == Place::device) {
    data_.reset(device().allocate(bytes));
    return;
  }
  const bool large = bytes >= kHugePages * kHugePage;
  const std::size_t alignment = large ? kHugePage : kAlignment;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(alignment, rounded));
  require<DeviceError>(memory != nullptr, "[memory] {} bytes cannot be allocated", bytes);
  if (large) madvise(memory, rounded, MADV_HUGEPAGE);  // only a hint; if it is refused, pages are small
  data_.reset(memory);
}

void Buffer::Free::operator()(std::byte* data) const {
  if (place == Place::host) return std::free(data);
  if (has_device()) device().release(data, bytes);
}

Tensor::Tensor(DType dtype, const Shape& shape, Place place)
    : dtype_(dtype), shape_(shape), buffer_(static_cast<std::size_t>(shape.elements() * size_of(dtype)), place) {}

Tensor copied(const TensorView& source, Place place) {
  Tensor result(source.dtype, source.shape, place);
  const std::span<const std::byte> bytes = source.bytes();
  if (place == Place::host && source.place == Place::host) {
    std::ranges::copy(bytes, result.data());
  } else if (!bytes.empty()) {
    device().copy(bytes.data(), source.place, result.data(), place, bytes.size());
  }
  return result;
}

Tensor to_f32(const TensorView& given) {
  Tensor on_host;
  if (given.place == Place::device) on_host = copied(given, Place::host);
  const TensorView source = given.place == Place::device ? on_host.view() : given;
  Tensor result(DType::f32, source.shape);
  switch (source.dtype) {
    case DType::f32: widen(source.as<float>(), result.as<float>()); break;
    case DType::f16: widen(source.as<Half>(), result.as<float>()); break;
    case DType::bf16: widen(source.as<BFloat16>(), result.as<float>()); break;
    default: fail<InvalidInput>("[tensor] expected f32, f16 or bf16, found {}", name_of(source.dtype));
  }
  return result;
}

bool all_finite(const TensorView& source) {
  switch (source.dtype) {
    case DType::f32: return finite(source.as<float>());
    case DType::f16: return finite(source.as<Half>());
    case DType::bf16: return finite(source.as<BFloat16>());
    case DType::f64: return finite(source.as<double>());
    case DType::f8_e4m3: return std::ranges::none_of(source.as<Float8>(), &Float8::is_nan);
    default: return true;
  }
}

}  // namespace e5v::tensor
