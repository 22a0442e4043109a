#include "image/planes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

namespace e5v::image {
namespace {

/// Memory of this thread's pictures before. The system would be asked for it, and clear it, many times for each of
/// them, and all threads would wait for each other there.
thread_local std::vector<std::vector<float>> spare_memory;

/// The picture with white around it: one more row above and two below, columns alike.
Planes framed(const Bitmap& source) {
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
void find_places(const Affine& map, float v, float width, float height, Places& places) {
  const float mx = 0.5f * (width - 1), my = 0.5f * (height - 1);
  for (std::size_t i = 0; i < places.x.size(); ++i) {
    const float u = static_cast<float>(static_cast<std::int32_t>(i)) - mx;
    const float x = map.xx * u + map.xy * v + mx + map.dx, y = map.yx * u + map.yy * v + my + map.dy;
    const float sx = std::min(std::max(x, -1.0f), width) + 1, sy = std::min(std::max(y, -1.0f), height) + 1;
    places.left[i] = static_cast<std::int32_t>(sx), places.top[i] = static_cast<std::int32_t>(sy);
    places.x[i] = sx - static_cast<float>(places.left[i]), places.y[i] = sy - static_cast<float>(places.top[i]);
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

Planes warped(const Bitmap& source, const Affine& map) {
  const Planes from = framed(source);
  Planes result(source.width, source.height);
  const auto W = static_cast<float>(source.width), H = static_cast<float>(source.height);
  Places places(source.width);
  for (int y = 0; y < source.height; ++y) {
    find_places(map, static_cast<float>(y) - 0.5f * (H - 1), W, H, places);
    float* out = result.at(0, y);
    for (std::size_t i = 0; i < places.x.size(); ++i, out += kLanes) {
      const float* above = from.at(places.left[i], places.top[i]);
      const float* below = above + kLanes * from.width;
      std::array<float, kLanes> mixed;
      for (std::size_t channel = 0; channel < kLanes; ++channel) {
        const float upper = above[channel] + places.x[i] * (above[channel + kLanes] - above[channel]);
        const float lower = below[channel] + places.x[i] * (below[channel + kLanes] - below[channel]);
        mixed[channel] = upper + places.y[i] * (lower - upper);
      }
      std::copy_n(mixed.data(), kLanes, out);
    }
  }
  return result;
}

std::vector<float> edges_of(const Planes& picture, int radius) {
  const int W = picture.width, H = picture.height;
  std::vector<float> steep(static_cast<std::size_t>(W) * static_cast<std::size_t>(H));
  const auto place = [W](int x, int y) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(W) + static_cast<std::size_t>(x);
  };
  for (int y = 0; y < H; ++y) {
    for (int x = 0; x < W; ++x) {
      const float *left = picture.at(std::max(x - 1, 0), y), *right = picture.at(std::min(x + 1, W - 1), y);
      const float *above = picture.at(x, std::max(y - 1, 0)), *below = picture.at(x, std::min(y + 1, H - 1));
      float most = 0;
      for (int channel = 0; channel < 3; ++channel) {
        most = std::max(most, std::abs(right[channel] - left[channel]) + std::abs(below[channel] - above[channel]));
      }
      steep[place(x, y)] = std::clamp((most - 25) / 90, 0.0f, 1.0f);
    }
  }
  const auto spread = [&](const std::vector<float>& from, int dx, int dy) {
    std::vector<float> to = from;
    for (int y = 0; y < H; ++y) {
      for (int x = 0; x < W; ++x) {
        for (int d = -radius; d <= radius; ++d) {
          const float other = from[place(std::clamp(x + d * dx, 0, W - 1), std::clamp(y + d * dy, 0, H - 1))];
          to[place(x, y)] = std::max(to[place(x, y)], other);
        }
      }
    }
    return to;
  };
  return spread(spread(steep, 1, 0), 0, 1);
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

}  // namespace e5v::image
