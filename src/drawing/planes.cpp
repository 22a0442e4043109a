#include "drawing/planes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "image/clones.h"

namespace e5v::drawing {
namespace {

/// Memory of this thread's pictures before. The system would be asked for it, and clear it, many times for each of
/// them, and all threads would wait for each other there.
thread_local std::vector<std::vector<float>> spare_memory;

/// The picture with white around it: one more row above and two below, columns alike.
Planes framed(const image::Bitmap& source) {
  Planes result(source.width + 3, source.height + 3);
  for (int y = 0; y < source.height; ++y) {
    const std::uint8_t* from = source.row(y);
    float* to = result.at(1, y + 1);
    for (int x = 0; x < source.width; ++x, from += 3, to += kLanes) std::copy_n(from, 3, to);
  }
  return result;
}

/// A row of places in a frame: the pixel to the left and above, and how far from it, in pixels.
struct Places {
  std::vector<std::int32_t> left, top;
  std::vector<float> x, y;

  explicit Places(int count)
      : left(static_cast<std::size_t>(count)), top(left.size()), x(left.size()), y(left.size()) {}
};

/// Where row v of the result comes from, relative to the frame, whose outermost points are as white as all that lies
/// behind them.
E5V_AVX2_CLONE void find_places(const Affine& map, float v, float width, float height, Places& places) {
  const float mx = 0.5f * (width - 1), my = 0.5f * (height - 1);
  for (std::size_t i = 0; i < places.x.size(); ++i) {
    const float u = static_cast<float>(static_cast<std::int32_t>(i)) - mx;
    const float x = map.xx * u + map.xy * v + mx + map.dx, y = map.yx * u + map.yy * v + my + map.dy;
    const float sx = std::min(std::max(x, -1.0f), width) + 1, sy = std::min(std::max(y, -1.0f), height) + 1;
    places.left[i] = static_cast<std::int32_t>(sx), places.top[i] = static_cast<std::int32_t>(sy);
    places.x[i] = sx - static_cast<float>(places.left[i]), places.y[i] = sy - static_cast<float>(places.top[i]);
  }
}

/// A row of pixels, each bilinear between the four around its place.
E5V_AVX2_CLONE void mix(const Planes& from, const Places& places, float* out) {
  const std::size_t below = static_cast<std::size_t>(from.width) * kLanes;
  for (std::size_t i = 0; i < places.x.size(); ++i, out += kLanes) {
    const float* p = from.at(places.left[i], places.top[i]);
    std::array<float, kLanes> mixed;
    for (std::size_t channel = 0; channel < kLanes; ++channel) {
      const float* q = p + channel;
      const float upper = q[0] + places.x[i] * (q[kLanes] - q[0]);
      const float lower = q[below] + places.x[i] * (q[below + kLanes] - q[below]);
      mixed[channel] = upper + places.y[i] * (lower - upper);
    }
    std::copy_n(mixed.data(), kLanes, out);
  }
}

/// The most that a channel changes across each pixel, as a share of what counts as an edge.
E5V_AVX2_CLONE void find_steep(const Planes& picture, float* steep) {
  const int W = picture.width, H = picture.height;
  std::vector<float> change(static_cast<std::size_t>(W) * kLanes);
  for (int y = 0; y < H; ++y, steep += W) {
    const float *own = picture.at(0, y), *above = picture.at(0, std::max(y - 1, 0)),
                *below = picture.at(0, std::min(y + 1, H - 1));
    const auto across = [&](int from, int to, int left, int right) {
      for (int i = from; i < to; ++i) {
        change[static_cast<std::size_t>(i)] = std::abs(own[i + right] - own[i + left]) + std::abs(below[i] - above[i]);
      }
    };
    const int last = kLanes * (W - 1);
    across(0, std::min(kLanes, last), 0, kLanes);
    across(kLanes, last, -kLanes, kLanes);
    across(last, last + kLanes, W > 1 ? -kLanes : 0, 0);
    const float* c = change.data();
    for (int x = 0; x < W; ++x, c += kLanes) {
      const float most = std::max(std::max(c[0], c[1]), c[2]);
      steep[x] = std::min(std::max((most - 25) / 90, 0.0f), 1.0f);
    }
  }
}

E5V_AVX2_CLONE void take_larger(const float* from, float* to, std::ptrdiff_t count) {
  for (std::ptrdiff_t i = 0; i < count; ++i) to[i] = std::max(to[i], from[i]);
}

/// to[i] = the largest of from[i + d stride], |d| <= reach, where that is one of [0, count).
void spread(const float* from, float* to, std::ptrdiff_t count, std::ptrdiff_t stride, int reach) {
  std::copy_n(from, count, to);
  for (std::ptrdiff_t away = stride; away <= reach * stride && away < count; away += stride) {
    take_larger(from, to + away, count - away);
    take_larger(from + away, to, count - away);
  }
}

}  // namespace

Planes::Planes(int w, int h) : width(w), height(h) {
  if (!spare_memory.empty()) {
    values = std::move(spare_memory.back());
    spare_memory.pop_back();
  }
  values.assign(static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * kLanes, kWhite);
}

Planes::~Planes() {
  if (!values.empty()) spare_memory.push_back(std::move(values));
}

Planes warped(const image::Bitmap& source, const Affine& map) {
  const Planes from = framed(source);
  Planes result(source.width, source.height);
  const auto W = static_cast<float>(source.width), H = static_cast<float>(source.height);
  Places places(source.width);
  for (int y = 0; y < source.height; ++y) {
    find_places(map, static_cast<float>(y) - 0.5f * (H - 1), W, H, places);
    mix(from, places, result.at(0, y));
  }
  return result;
}

std::vector<float> edges_of(const Planes& picture, int radius) {
  const std::ptrdiff_t W = picture.width, pixels = W * picture.height;
  std::vector<float> steep(static_cast<std::size_t>(pixels)), wide(steep.size());
  find_steep(picture, steep.data());
  for (std::ptrdiff_t row = 0; row < pixels; row += W) spread(steep.data() + row, wide.data() + row, W, 1, radius);
  spread(wide.data(), steep.data(), pixels, W, radius);
  return steep;
}

void smooth(Planes& picture) {
  const int W = picture.width, H = picture.height, N = kLanes * W;
  const auto row = [&](const Planes& of, int y) { return of.at(0, std::clamp(y, 0, H - 1)); };
  Planes sums(W, H);
  for (int y = 0; y < H; ++y) {
    const float *above = row(picture, y - 1), *own = row(picture, y), *below = row(picture, y + 1);
    float* sum = sums.at(0, y);
    for (int i = 0; i < N; ++i) sum[i] = above[i] + own[i] + below[i];
  }
  for (int y = 0; y < H; ++y) {
    const float* sum = row(sums, y);
    float* mean = picture.at(0, y);
    const auto take = [&](int left, int middle, int right) {
      for (int channel = 0; channel < kLanes; ++channel) {
        mean[middle + channel] = (sum[left + channel] + sum[middle + channel] + sum[right + channel]) / 9;
      }
    };
    for (int i = kLanes; i < N - kLanes; ++i) mean[i] = (sum[i - kLanes] + sum[i] + sum[i + kLanes]) / 9;
    take(0, 0, std::min(kLanes, N - kLanes));
    take(std::max(0, N - 2 * kLanes), N - kLanes, N - kLanes);
  }
}

}  // namespace e5v::drawing
