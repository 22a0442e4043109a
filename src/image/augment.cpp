#include "image/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "image/planes.h"

namespace e5v::image {
namespace {

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

/// The nearest of 256 tones.
std::uint8_t tone(float value) {
  constexpr float kHalf = 0.5f;
  return static_cast<std::uint8_t>(std::clamp(value, 0.0f, kWhite) + kHalf);
}

float luma(const float* rgb) { return kLuma[0] * rgb[0] + kLuma[1] * rgb[1] + kLuma[2] * rgb[2]; }

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

using Colour = std::array<float, kLanes>;

/// A turn of the colours about the grey axis, with more or less of them, and other light: linear but for a constant.
class Recolouring {
 public:
  Recolouring(Draws& draws, float strength) {
    const bool grey = draws.happens(0.12f * strength);
    const float hue = strength * 0.35f * draws.around();
    saturation_ = grey ? 0 : std::exp(strength * 0.6f * draws.around());
    contrast_ = 1 + strength * 0.25f * draws.around(), light_ = strength * 25 * draws.around();
    cosine_ = std::cos(hue), sine_ = std::sin(hue) / std::numbers::sqrt3_v<float>;
    constant_ = of({});
    for (std::size_t channel = 0; channel < 3; ++channel) {
      Colour one{};
      one[channel] = 1;
      by_channel_[channel] = of(one);
      for (std::size_t i = 0; i < kLanes; ++i) by_channel_[channel][i] -= constant_[i];
    }
  }

  Colour operator()(const float* rgb) const {
    Colour result = constant_;
    for (std::size_t channel = 0; channel < 3; ++channel) {
      for (std::size_t i = 0; i < kLanes; ++i) result[i] += rgb[channel] * by_channel_[channel][i];
    }
    return result;
  }

 private:
  Colour of(const Colour& rgb) const {
    const float grey = luma(rgb.data());
    const std::array<float, 3> d{rgb[0] - grey, rgb[1] - grey, rgb[2] - grey};
    const float mean = (1 - cosine_) * (d[0] + d[1] + d[2]) / 3;
    Colour result{};
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const float turned = cosine_ * d[channel] + mean + sine_ * (d[(channel + 2) % 3] - d[(channel + 1) % 3]);
      const float value = grey + saturation_ * turned;
      // White stays white: drawings stand on it.
      result[channel] = kWhite - contrast_ * (kWhite - value) + light_ * (kWhite - grey) / kWhite;
    }
    return result;
  }

  float saturation_, contrast_, light_, cosine_, sine_;
  Colour constant_;
  std::array<Colour, 3> by_channel_;
};

void recolour(Planes& picture, Draws& draws, float strength) {
  const Recolouring recoloured(draws, strength);
  const float gamma = std::exp(strength * 0.35f * draws.around());
  std::array<float, 256> curve;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    curve[i] = kWhite * std::pow(static_cast<float>(i) / kWhite, gamma);
  }
  for (std::size_t i = 0; i < picture.values.size(); i += kLanes) {
    float* p = picture.values.data() + i;
    const Colour colour = recoloured(p);
    for (std::size_t channel = 0; channel < 3; ++channel) p[channel] = curve[tone(colour[channel])];
  }
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
  for (std::size_t i = 0; i < picture.values.size(); i += kLanes) {
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
    for (std::size_t channel = 0; channel < kLanes; ++channel) {
      float& value = picture.values[kLanes * i + channel];
      value += style.paper * (kWhite - value);
      value *= 1 - style.ink * edges[i];
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
  for (int y = top; y < top + height; ++y) std::fill_n(picture.at(left, y), kLanes * width, tone);
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
  const float* from = planes.values.data();
  for (std::size_t i = 0; i < result.pixels.size(); i += 3, from += kLanes) {
    for (std::size_t channel = 0; channel < 3; ++channel) result.pixels[i + channel] = tone(from[channel]);
  }
  return result;
}

}  // namespace e5v::image
