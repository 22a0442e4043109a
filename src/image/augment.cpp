// Planes are float, 0 to 255, [height, width, 3].
#include "image/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace e5v::image {
namespace {

constexpr float kWhite = 255;
constexpr std::array<float, 3> kLuma{0.299f, 0.587f, 0.114f};

/// Numbers of a stream, in turn.
class Draws {
 public:
  explicit Draws(const Philox& random) : random_(random) {}
  /// Of [0, 1).
  float unit() { return Philox::uniform(random_.at(next_++)); }
  /// Of [-1, 1).
  float around() { return 2 * unit() - 1; }
  bool happens(float probability) { return unit() < probability; }

 private:
  Philox random_;
  std::uint64_t next_ = 0;
};

struct Planes {
  int width, height;
  std::vector<float> values;

  Planes(int w, int h)
      : width(w), height(h), values(static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * 3, kWhite) {}
  float* at(int x, int y) {
    return values.data() +
           (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) * 3;
  }
  const float* at(int x, int y) const { return const_cast<Planes*>(this)->at(x, y); }
};

/// The nearest of 256 tones.
std::uint8_t tone(float value) {
  constexpr float kHalf = 0.5f;
  return static_cast<std::uint8_t>(std::clamp(value, 0.0f, kWhite) + kHalf);
}

float luma(const float* rgb) { return kLuma[0] * rgb[0] + kLuma[1] * rgb[1] + kLuma[2] * rgb[2]; }

/// From a place of the result, relative to the middle, to one of the source.
struct Affine {
  float xx, xy, yx, yy, dx, dy;
};

Affine draw_affine(Draws& draws, float strength, int width, int height) {
  const float angle = strength * 0.3f * draws.around();
  const float scale = std::exp(strength * (0.3f * draws.around() + 0.3f));  // above 1: smaller
  const float stretch = std::exp(strength * 0.15f * draws.around());
  const float shear = strength * 0.15f * draws.around();
  const float mirror = draws.happens(0.15f * strength) ? -1.0f : 1.0f;
  const float c = std::cos(angle) * scale, s = std::sin(angle) * scale;
  return {mirror * c * stretch,
          (c * shear - s) * stretch,
          s / stretch,
          (s * shear + c) / stretch,
          strength * 0.1f * draws.around() * static_cast<float>(width),
          strength * 0.1f * draws.around() * static_cast<float>(height)};
}

/// The picture with white around it: one more row above and two below, columns alike.
Planes framed(const Bitmap& source) {
  Planes result(source.width + 3, source.height + 3);
  for (int y = 0; y < source.height; ++y) {
    std::copy_n(source.row(y), 3 * source.width, result.at(1, y + 1));
  }
  return result;
}

/// Bilinear, white outside.
Planes warped(const Bitmap& source, const Affine& map) {
  const Planes from = framed(source);
  Planes result(source.width, source.height);
  const auto W = static_cast<float>(source.width), H = static_cast<float>(source.height);
  const float mx = 0.5f * (W - 1), my = 0.5f * (H - 1);
  for (int y = 0; y < source.height; ++y) {
    for (int x = 0; x < source.width; ++x) {
      const float u = static_cast<float>(x) - mx, v = static_cast<float>(y) - my;
      // Relative to the frame, whose outermost points are as white as all that lies behind them.
      const float sx = std::clamp(map.xx * u + map.xy * v + mx + map.dx, -1.0f, W) + 1;
      const float sy = std::clamp(map.yx * u + map.yy * v + my + map.dy, -1.0f, H) + 1;
      const int left = static_cast<int>(sx), top = static_cast<int>(sy);
      const float fx = sx - static_cast<float>(left), fy = sy - static_cast<float>(top);
      const float *above = from.at(left, top), *below = from.at(left, top + 1);
      float* out = result.at(x, y);
      for (int channel = 0; channel < 3; ++channel) {
        const float upper = above[channel] + fx * (above[channel + 3] - above[channel]);
        const float lower = below[channel] + fx * (below[channel + 3] - below[channel]);
        out[channel] = upper + fy * (lower - upper);
      }
    }
  }
  return result;
}

/// A turn of the colours about the grey axis, with more or less of them, and other light.
void recolour(Planes& picture, Draws& draws, float strength) {
  const bool grey = draws.happens(0.12f * strength);
  const float hue = strength * 0.35f * draws.around();
  const float saturation = grey ? 0 : std::exp(strength * 0.6f * draws.around());
  const float contrast = 1 + strength * 0.25f * draws.around(), light = strength * 25 * draws.around();
  const float gamma = std::exp(strength * 0.35f * draws.around());
  const float c = std::cos(hue), s = std::sin(hue) / std::numbers::sqrt3_v<float>;
  std::array<float, 256> curve;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    curve[i] = kWhite * std::pow(static_cast<float>(i) / kWhite, gamma);
  }
  for (std::size_t i = 0; i < picture.values.size(); i += 3) {
    float* p = picture.values.data() + i;
    const float grey_level = luma(p);
    const std::array<float, 3> d{p[0] - grey_level, p[1] - grey_level, p[2] - grey_level};
    const float mean = (1 - c) * (d[0] + d[1] + d[2]) / 3;
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const float turned = c * d[channel] + mean + s * (d[(channel + 2) % 3] - d[(channel + 1) % 3]);
      const float value = grey_level + saturation * turned;
      // White stays white: drawings stand on it.
      const float lit = kWhite - contrast * (kWhite - value) + light * (kWhite - grey_level) / kWhite;
      p[channel] = curve[tone(lit)];
    }
  }
}

/// How steep the picture is around each pixel, 0 to 1, spread by `radius`.
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

/// How a drawing is made, whatever it shows.
struct Style {
  bool outlines;          // dark lines where colours meet
  int radius;             // of the lines
  float ink, paper;       // how dark lines are, and how pale all else is
  bool flat;              // areas of few tones instead of shading
  float tones, rounding;  // of each colour; what is added to a tone before it is cut to a whole one
  float unfilled;         // probability of a colour to be left white
};

Style draw_style(Draws& draws, float strength) {
  Style style{};
  style.outlines = draws.happens(0.9f * strength);
  style.radius = draws.happens(0.5f) ? 1 : 0;
  style.ink = 0.5f + 0.5f * draws.unit();
  if (draws.happens(0.5f)) style.ink = 1;
  style.paper = draws.happens(0.35f) ? draws.unit() : 0;
  style.flat = draws.happens((style.outlines ? 1.0f : 0.6f) * strength);
  style.tones = 3 + std::floor(4 * draws.unit());
  style.rounding = 0.5f + 0.5f * draws.around();
  style.unfilled = draws.happens(0.5f) ? 0.6f * draws.unit() : 0;
  return style;
}

/// Few tones of each colour, and some of the colours left out. `random` has numbers for them behind those of Draws.
void flatten(Planes& picture, const Style& style, const Philox& random) {
  constexpr std::uint64_t kColours = std::uint64_t{1} << 32;
  enum : std::uint8_t { unknown, filled, left_white };
  const auto most = static_cast<std::size_t>(style.tones);
  std::vector<std::uint8_t> colours((most + 1) * (most + 1) * (most + 1), unknown);
  for (std::size_t i = 0; i < picture.values.size(); i += 3) {
    float* p = picture.values.data() + i;
    std::size_t colour = 0;
    for (int channel = 0; channel < 3; ++channel) {
      const auto level = static_cast<std::size_t>(p[channel] / kWhite * style.tones + style.rounding);
      p[channel] = kWhite * static_cast<float>(std::min(level, most)) / style.tones;
      colour = colour * (most + 1) + std::min(level, most);
    }
    if (style.unfilled <= 0 || colour == 0) continue;  // black is what lines are drawn in
    if (colours[colour] == unknown) {
      colours[colour] = Philox::uniform(random.at(kColours + colour)) < style.unfilled ? left_white : filled;
    }
    if (colours[colour] == left_white) std::fill_n(p, 3, kWhite);
  }
}

void draw_outlines(Planes& picture, const std::vector<float>& edges, const Style& style) {
  for (std::size_t i = 0; i < edges.size(); ++i) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      float& value = picture.values[3 * i + channel];
      value += style.paper * (kWhite - value);
      value *= 1 - style.ink * edges[i];
    }
  }
}

/// The mean of each pixel and its neighbours.
void smooth(Planes& picture) {
  const Planes sharp = picture;
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      for (int channel = 0; channel < 3; ++channel) {
        float sum = 0;
        for (int dy = -1; dy <= 1; ++dy) {
          for (int dx = -1; dx <= 1; ++dx) {
            sum +=
                sharp.at(std::clamp(x + dx, 0, picture.width - 1), std::clamp(y + dy, 0, picture.height - 1))[channel];
          }
        }
        picture.at(x, y)[channel] = sum / 9;
      }
    }
  }
}

void leave_out(Planes& picture, Draws& draws, float strength) {
  if (!draws.happens(0.25f * strength)) return;
  const auto extent = [&](int edge) {
    return static_cast<int>((0.1f + 0.25f * draws.unit()) * static_cast<float>(edge));
  };
  const int width = extent(picture.width), height = extent(picture.height);
  const int left = static_cast<int>(draws.unit() * static_cast<float>(picture.width - width));
  const int top = static_cast<int>(draws.unit() * static_cast<float>(picture.height - height));
  const float tone = draws.happens(0.5f) ? kWhite : kWhite * draws.unit();
  for (int y = top; y < top + height; ++y) std::fill_n(picture.at(left, y), 3 * width, tone);
}

}  // namespace

Bitmap augment(const Bitmap& picture, float strength, const Philox& random) {
  if (strength <= 0 || picture.pixels.empty()) return picture;
  Draws draws(random);
  Planes planes = warped(picture, draw_affine(draws, strength, picture.width, picture.height));
  recolour(planes, draws, strength);
  const Style style = draw_style(draws, strength);
  if (draws.happens(0.375f * strength)) smooth(planes);  // before lines are drawn: only those around what is large stay
  const std::vector<float> edges = style.outlines ? edges_of(planes, style.radius) : std::vector<float>{};
  if (style.flat) flatten(planes, style, random);
  draw_outlines(planes, edges, style);
  if (draws.happens(0.15f * strength)) smooth(planes);
  leave_out(planes, draws, strength);
  Bitmap result(picture.width, picture.height);
  for (std::size_t i = 0; i < result.pixels.size(); ++i) {
    result.pixels[i] = tone(planes.values[i]);
  }
  return result;
}

}  // namespace e5v::image
