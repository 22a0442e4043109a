#include "image/resize.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "image/clones.h"

namespace e5v::image {
namespace {

// Weights are fixed-point numbers with this many fractional bits. The other bits of an int32 are 8 for a pixel and 2
// for the overshoot of bicubic weights.
constexpr int kFraction = 32 - 8 - 2;
constexpr std::int32_t kHalf = 1 << (kFraction - 1);

struct Kernel {
  double support;  // beyond this distance, in pixels of the coarser grid, the weight is 0
  double (*weight)(double distance);
};

double bilinear(double distance) {
  const double x = std::abs(distance);
  return x < 1.0 ? 1.0 - x : 0.0;
}

// Keys' cubic convolution with a = -1/2.
double bicubic(double distance) {
  constexpr double a = -0.5;
  const double x = std::abs(distance);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

/// The run of input positions and their weights for each output position.
struct Windows {
  struct Window {
    int first, count;
  };
  std::vector<Window> window;
  std::vector<std::int32_t> weights;  // [output position][capacity]
  int capacity = 0;                   // weights kept per position

  const std::int32_t* at(int position) const {
    return weights.data() + static_cast<std::size_t>(position) * static_cast<std::size_t>(capacity);
  }
};

std::int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << kFraction);
  return static_cast<std::int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

/// A range of output rows or columns.
struct Range {
  std::int64_t first;
  int count;
};

/// The windows of some positions of an edge that is resized from `input` to `output` pixels. The order of the double
/// operations is Pillow's, because the last bit of a weight may change a rounding.
Windows make_windows(int input, std::int64_t output, Range positions, Kernel kernel) {
  const double scale = static_cast<double>(input) / static_cast<double>(output);
  const double stretch = std::max(scale, 1.0);
  const double support = kernel.support * stretch, shrink = 1.0 / stretch;
  Windows windows;
  windows.capacity = std::min(static_cast<int>(std::ceil(support)) * 2 + 1, input);
  windows.window.reserve(static_cast<std::size_t>(positions.count));
  windows.weights.resize(static_cast<std::size_t>(positions.count) * static_cast<std::size_t>(windows.capacity));
  std::vector<double> exact(static_cast<std::size_t>(windows.capacity));
  for (int index = 0; index < positions.count; ++index) {
    const double center = (static_cast<double>(positions.first + index) + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int count = std::min(static_cast<int>(center + support + 0.5), input) - first;
    double sum = 0.0;
    for (int i = 0; i < count; ++i)
      sum += exact[static_cast<std::size_t>(i)] = kernel.weight((i + first - center + 0.5) * shrink);
    std::int32_t* weights = windows.weights.data() + windows.window.size() * static_cast<std::size_t>(windows.capacity);
    for (int i = 0; i < count; ++i) {
      const double weight = exact[static_cast<std::size_t>(i)];
      weights[i] = to_fixed(sum != 0.0 ? weight / sum : weight);
    }
    windows.window.push_back({first, count});
  }
  return windows;
}

// A pixel's R, G, B and a fourth lane that is computed and dropped, because four lanes fill a vector register.
typedef std::int32_t Lanes __attribute__((vector_size(16)));
typedef std::uint8_t ByteVector __attribute__((vector_size(16)));

/// Four bytes widened to lanes, written as the byte shuffle that it is on little-endian machines. g++ 12 splits
/// __builtin_convertvector of so few bytes into scalars, which is four times slower.
inline Lanes load_pixel(const std::uint8_t* pixel) {
  ByteVector bytes{};
  std::memcpy(&bytes, pixel, 4);
  return std::bit_cast<Lanes>(
      __builtin_shufflevector(bytes, ByteVector{}, 0, 16, 16, 16, 1, 16, 16, 16, 2, 16, 16, 16, 3, 16, 16, 16));
}

/// Resizes one row horizontally. `source` has one readable byte after its last pixel.
E5V_AVX2_CLONE void resample_row(const std::uint8_t* source, const Windows& windows, std::uint8_t* out) {
  const int width = static_cast<int>(windows.window.size());
  const Windows::Window* window = windows.window.data();
  const std::int32_t* weights = windows.weights.data();
  const Lanes zero{}, full = {255, 255, 255, 255};
  for (int x = 0; x < width; ++x, out += 3, weights += windows.capacity) {
    const std::uint8_t* pixel = source + 3 * static_cast<std::size_t>(window[x].first);
    const int count = window[x].count;
    Lanes sum = {kHalf, kHalf, kHalf, kHalf};
    for (int i = 0; i < count; ++i, pixel += 3) sum += load_pixel(pixel) * weights[i];
    sum >>= kFraction;
    sum = sum < zero ? zero : sum;
    sum = sum > full ? full : sum;
    for (int c = 0; c < 3; ++c) out[c] = static_cast<std::uint8_t>(sum[c]);
  }
}

/// Computes out[j] as the weighted sum of byte j of `count` rows, which are `stride` apart.
E5V_AVX2_CLONE void blend_rows(const std::uint8_t* rows, std::size_t stride, const std::int32_t* weights, int count,
                               std::uint8_t* out) {
  constexpr std::size_t kBlock = 256;  // sums that stay in the first-level cache
  std::int32_t sums[kBlock];
  for (std::size_t start = 0; start < stride; start += kBlock) {
    const std::size_t size = std::min(kBlock, stride - start);
    std::fill_n(sums, size, kHalf);
    for (int i = 0; i < count; ++i) {
      const std::uint8_t* row = rows + static_cast<std::size_t>(i) * stride + start;
      const std::int32_t weight = weights[i];
      for (std::size_t j = 0; j < size; ++j) sums[j] += row[j] * weight;
    }
    for (std::size_t j = 0; j < size; ++j)
      out[start + j] = static_cast<std::uint8_t>(std::clamp(sums[j] >> kFraction, 0, 255));
  }
}

/// Rows of the source, resized to the width of `windows`.
Bitmap resize_across(const Bitmap& source, Range rows, const Windows& windows) {
  Bitmap out(static_cast<int>(windows.window.size()), rows.count);
  parallel_for(rows.count, 16, [&](std::int64_t y) {
    std::vector<std::uint8_t> row(source.stride() + 1);
    std::memcpy(row.data(), source.row(static_cast<int>(rows.first + y)), source.stride());
    resample_row(row.data(), windows, out.row(static_cast<int>(y)));
  });
  return out;
}

/// `source` holds the rows of the windows' image from row `first` on.
Bitmap resize_down(const Bitmap& source, int first, const Windows& windows) {
  Bitmap out(source.width, static_cast<int>(windows.window.size()));
  parallel_for(out.height, 16, [&](std::int64_t index) {
    const int y = static_cast<int>(index);
    const auto window = windows.window[static_cast<std::size_t>(y)];
    blend_rows(source.row(window.first - first), source.stride(), windows.at(y), window.count, out.row(y));
  });
  return out;
}

}  // namespace

Bitmap resize(const Bitmap& source, int width, int height, Filter filter) {
  return resize_part(source, {width, height}, {0, 0, width, height}, filter);
}

Bitmap resize_part(const Bitmap& source, const Extent& whole, const Part& part, Filter filter) {
  require(source.width > 0 && source.height > 0 && whole.width > 0 && whole.height > 0,
          "[resize] expected sizes with pixels, found {}x{} to {}x{}", source.width, source.height, whole.width,
          whole.height);
  require(part.left >= 0 && part.top >= 0 && part.width > 0 && part.height > 0 &&
              part.left <= whole.width - part.width && part.top <= whole.height - part.height,
          "[resize] expected a part of {}x{} pixels, found {}x{} at {}, {}", whole.width, whole.height, part.width,
          part.height, part.left, part.top);
  const Kernel kernel = filter == Filter::bicubic ? Kernel{2.0, bicubic} : Kernel{1.0, bilinear};
  // A pass that keeps the size changes no pixel, so it may be applied to a part.
  const auto across = [&](Range rows) {
    return resize_across(source, rows, make_windows(source.width, whole.width, {part.left, part.width}, kernel));
  };
  const bool all_columns = whole.width == source.width && part.width == source.width;
  if (whole.height == source.height) {
    return all_columns && part.height == source.height ? source : across({part.top, part.height});
  }
  const Windows down = make_windows(source.height, whole.height, {part.top, part.height}, kernel);
  if (all_columns) return resize_down(source, 0, down);
  const int first = down.window.front().first, last = down.window.back().first + down.window.back().count;
  return resize_down(across({first, last - first}), first, down);
}

Bitmap resize_bicubic(const Bitmap& source, int width, int height) {
  return resize(source, width, height, Filter::bicubic);
}

}  // namespace e5v::image
