#include "drawing/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

#include "drawing/planes.h"
#include "image/clones.h"

namespace e5v::drawing {
namespace {

constexpr std::array<float, 3> kLuma{0.299f, 0.587f, 0.114f};

/// The numbers of a stream, one after another.
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

/// The lanes of a pixel, computed at once: an extension of GCC's and Clang's, which loops with branches between two
/// values are not made of.
typedef float Colour __attribute__((vector_size(kLanes * sizeof(float))));
typedef std::int32_t Numbers __attribute__((vector_size(kLanes * sizeof(std::int32_t))));

inline Colour load(const float* values) {
  Colour colour;
  std::memcpy(&colour, values, sizeof(colour));
  return colour;
}

inline void store(Numbers numbers, std::int32_t* to) { std::memcpy(to, &numbers, sizeof(numbers)); }

/// The nearest of 256 tones.
inline Numbers tones_of(Colour colour) {
  const Colour black{}, white = black + kWhite;
  colour = colour < black ? black : colour;
  colour = colour > white ? white : colour;
  return __builtin_convertvector(colour + 0.5f, Numbers);
}

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

/// A turn of the colours about the grey axis, with more or less of them, and other light: linear but for a constant.
class Recolouring {
 public:
  Recolouring(Draws& draws, float strength) {
    const bool grey = draws.happens(0.12f * strength);
    const float hue = strength * 0.35f * draws.around();
    saturation_ = grey ? 0 : std::exp(strength * 0.6f * draws.around());
    contrast_ = 1 + strength * 0.25f * draws.around(), light_ = strength * 25 * draws.around();
    cosine_ = std::cos(hue), sine_ = std::sin(hue) / std::numbers::sqrt3_v<float>;
    constant_ = of(Colour{});
    for (std::size_t channel = 0; channel < 3; ++channel) {
      Colour one{};
      one[channel] = 1;
      by_channel_[channel] = of(one) - constant_;
    }
  }

  Colour operator()(const float* rgb) const {
    return constant_ + rgb[0] * by_channel_[0] + rgb[1] * by_channel_[1] + rgb[2] * by_channel_[2];
  }

 private:
  Colour of(Colour rgb) const {
    const float grey = kLuma[0] * rgb[0] + kLuma[1] * rgb[1] + kLuma[2] * rgb[2];
    const Colour d = rgb - grey;
    const float mean = (1 - cosine_) * (d[0] + d[1] + d[2]) / 3;
    const Colour before{d[2], d[0], d[1]}, behind{d[1], d[2], d[0]};
    const Colour value = grey + saturation_ * (cosine_ * d + mean + sine_ * (before - behind));
    // White stays white: drawings stand on it.
    return kWhite - contrast_ * (kWhite - value) + light_ * (kWhite - grey) / kWhite;
  }

  float saturation_, contrast_, light_, cosine_, sine_;
  Colour constant_;
  std::array<Colour, 3> by_channel_;
};

using Curve = std::array<float, 256>;

/// Whole numbers of a few pixels, found for all lanes at once before each is looked up somewhere.
constexpr std::size_t kBlock = 64 * kLanes;
using Block = std::array<std::int32_t, kBlock>;

E5V_AVX2_CLONE void recolour_values(const Recolouring& recoloured, const Curve& curve, float* values,
                                    std::size_t count) {
  Block tones;
  for (std::size_t from = 0; from < count; from += kBlock, values += kBlock) {
    const std::size_t size = std::min(kBlock, count - from);
    for (std::size_t i = 0; i < size; i += kLanes) store(tones_of(recoloured(values + i)), &tones[i]);
    for (std::size_t i = 0; i < size; ++i) values[i] = curve[static_cast<std::size_t>(tones[i])];
  }
}

void recolour(Planes& picture, Draws& draws, float strength) {
  const Recolouring recoloured(draws, strength);
  const float gamma = std::exp(strength * 0.35f * draws.around());
  Curve curve;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    curve[i] = kWhite * std::pow(static_cast<float>(i) / kWhite, gamma);
  }
  recolour_values(recoloured, curve, picture.values.data(), picture.values.size());
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

/// Of each value its tone's number, of at most `most`.
E5V_AVX2_CLONE void find_levels(const float* values, std::size_t count, const Style& style, std::int32_t most,
                                std::int32_t* levels) {
  const float tones = style.tones, rounding = style.rounding;
  for (std::size_t i = 0; i < count; ++i) {
    levels[i] = std::min(static_cast<std::int32_t>(values[i] / kWhite * tones + rounding), most);
  }
}

/// Few tones of each colour, and some of the colours left out. `random` has numbers for them behind those of Draws.
void flatten(Planes& picture, const Style& style, const Philox& random) {
  constexpr std::uint64_t kColours = std::uint64_t{1} << 32;
  enum : std::uint8_t { unknown, filled, left_white };
  const auto most = static_cast<std::size_t>(style.tones);
  std::vector<std::uint8_t> colours((most + 1) * (most + 1) * (most + 1), unknown);
  std::vector<float> tones(most + 1);
  for (std::size_t level = 0; level <= most; ++level) tones[level] = kWhite * static_cast<float>(level) / style.tones;
  Block levels;
  for (std::size_t from = 0; from < picture.values.size(); from += kBlock) {
    float* values = picture.values.data() + from;
    const std::size_t size = std::min(kBlock, picture.values.size() - from);
    find_levels(values, size, style, static_cast<std::int32_t>(most), levels.data());
    for (std::size_t i = 0; i < size; i += kLanes) {
      std::size_t colour = 0;
      for (std::size_t channel = 0; channel < 3; ++channel) {
        const auto level = static_cast<std::size_t>(levels[i + channel]);
        values[i + channel] = tones[level];
        colour = colour * (most + 1) + level;
      }
      if (style.unfilled <= 0 || colour == 0) continue;  // black is what lines are drawn in
      if (colours[colour] == unknown) {
        colours[colour] = Philox::uniform(random.at(kColours + colour)) < style.unfilled ? left_white : filled;
      }
      if (colours[colour] == left_white) std::fill_n(values + i, 3, kWhite);
    }
  }
}

E5V_AVX2_CLONE void draw_outlines(Planes& picture, const std::vector<float>& edges, const Style& style) {
  const float ink = style.ink, paper = style.paper;
  float* values = picture.values.data();
  for (const float edge : edges) {
    for (std::size_t channel = 0; channel < kLanes; ++channel) {
      const float paler = values[channel] + paper * (kWhite - values[channel]);
      values[channel] = paler * (1 - ink * edge);
    }
    values += kLanes;
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

E5V_AVX2_CLONE void write_tones(const float* values, std::size_t count, std::uint8_t* pixels) {
  Block tones;
  for (std::size_t from = 0; from < count; from += kBlock, values += kBlock) {
    const std::size_t size = std::min(kBlock, count - from);
    for (std::size_t i = 0; i < size; i += kLanes) store(tones_of(load(values + i)), &tones[i]);
    for (std::size_t i = 0; i < size; i += kLanes, pixels += 3) {
      for (std::size_t channel = 0; channel < 3; ++channel) {
        pixels[channel] = static_cast<std::uint8_t>(tones[i + channel]);
      }
    }
  }
}

}  // namespace

image::Bitmap augment(const image::Bitmap& picture, float strength, const Philox& random) {
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
  image::Bitmap result(picture.width, picture.height);
  write_tones(planes.values.data(), planes.values.size(), result.pixels.data());
  return result;
}

}  // namespace e5v::drawing
