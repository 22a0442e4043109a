#include "drawing/text_image.h"

#include <algorithm>
#include <mutex>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "drawing/font.h"
#include "drawing/text_layout.h"
#include "drawing/wrapping.h"

namespace e5v::drawing {
namespace {

constexpr std::size_t kLongestCaption = 100'000;

/// Part of every id, by which pictures and their vectors are known: to be raised by hand when a caption comes to look
/// otherwise with the same font, options and libraries.
constexpr std::int64_t kDrawingRevision = 1;

/// A line that knows its glyphs.
struct SetLine {
  TextLine line;
  GlyphRun run;
};

/// The picture under construction: white, and lines come on it one after the other.
class Canvas {
 public:
  Canvas(int width, int height) {
    pixels_.width = width, pixels_.height = height;
    const std::size_t area = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    pixels_.rgb.assign(3 * area, 255);
    coverage_.resize(area);
  }

  /// Glyphs of a line that touch do not darken each other, lines do: so Pillow draws each line as a mask of its own.
  void draw(const Font& font, const SetLine& set) {
    const std::int64_t first = std::clamp<std::int64_t>(set.line.y + set.line.box.top, 0, pixels_.height);
    const std::int64_t last = std::clamp<std::int64_t>(set.line.y + set.line.box.bottom, 0, pixels_.height);
    if (first == last) return;
    const std::int64_t baseline = set.line.y + font.ascender();
    for (const GlyphRun::Placed& placed : set.run.glyphs) {
      const GlyphImage glyph = font.image(placed.glyph);
      stamp(glyph, set.line.x + placed.x + glyph.left, baseline - placed.y - glyph.top);
    }
    const std::int64_t width = pixels_.width;
    for (std::int64_t i = first * width; i < last * width; ++i) {
      darken(&pixels_.rgb[static_cast<std::size_t>(3 * i)], coverage_[static_cast<std::size_t>(i)]);
      coverage_[static_cast<std::size_t>(i)] = 0;
    }
  }

  Pixels take() { return std::move(pixels_); }

 private:
  void stamp(const GlyphImage& glyph, std::int64_t x, std::int64_t y) {
    const std::int64_t begin = std::max<std::int64_t>(0, -x);
    const std::int64_t end = std::min<std::int64_t>(glyph.width, pixels_.width - x);
    for (std::int64_t row = std::max<std::int64_t>(0, -y); row < std::min<std::int64_t>(glyph.rows, pixels_.height - y);
         ++row) {
      const std::uint8_t* source = glyph.coverage.data() + row * glyph.width;
      std::uint8_t* target = coverage_.data() + (y + row) * pixels_.width;
      for (std::int64_t i = begin; i < end; ++i) target[x + i] = std::max(target[x + i], source[i]);
    }
  }

  /// The share of white that is left, by Pillow's division by 255, which rounds.
  static void darken(std::uint8_t* pixel, std::uint8_t coverage) {
    for (int channel = 0; channel < 3; ++channel) {
      const unsigned sum = pixel[channel] * (255u - coverage) + 128;
      pixel[channel] = static_cast<std::uint8_t>((sum + (sum >> 8)) >> 8);
    }
  }

  Pixels pixels_;
  std::vector<std::uint8_t> coverage_;  // of the line that is being drawn
};

const TextImageOptions& checked(const TextImageOptions& options) {
  constexpr int kLargestEdge = 16384, kLargestSize = 1024;
  require(options.width > 0 && options.height > 0 && options.width <= kLargestEdge && options.height <= kLargestEdge,
          "[caption] expected a picture of 1 to {} pixels a side, found {}x{}", kLargestEdge, options.width,
          options.height);
  require(options.size > 0 && options.size <= kLargestSize, "[caption] expected a font of 1 to {} pixels, found {}",
          kLargestSize, options.size);
  require(options.margin >= 0 && options.margin < options.width - options.margin,
          "[caption] expected margins that leave room in {} pixels, found {}", options.width, options.margin);
  return options;
}

std::string to_utf8(std::u32string_view text) {
  std::string bytes;
  for (const char32_t character : text) append_utf8(bytes, character);
  return bytes;
}

}  // namespace

struct TextPainter::Impl {
  TextImageOptions options;
  Font font;
  std::string id;
  std::mutex mutex{};  // a FreeType face is for one thread at a time

  explicit Impl(const TextImageOptions& given)
      : options(checked(given)), font(options.font, options.size), id(make_id()) {}

  std::string make_id() const {
    Hasher hasher;
    hasher.add(kDrawingRevision).add(font.content()).add(font.engine()).add(raqm_version());
    for (const int number :
         {static_cast<int>(options.layout), options.width, options.height, options.size, options.margin})
      hasher.add(std::int64_t{number});
    return hasher.digest().hex();
  }

  std::vector<SetLine> set(std::string_view caption) const {
    require(caption.size() <= kLongestCaption, "[caption] {} bytes, more than the limit of {}", caption.size(),
            kLongestCaption);
    require(is_valid_utf8(caption), "[caption] a text of {} bytes is not UTF-8", caption.size());
    const std::int64_t room = 64 * (std::int64_t{options.width} - 2 * options.margin);
    const auto fits = [&](std::u32string_view line) { return lay_out(font, options.layout, line).length <= room; };
    std::vector<SetLine> lines;
    std::int64_t height = 0;
    for (const std::u32string& text : wrap(caption, fits)) {
      GlyphRun run = lay_out(font, options.layout, text);
      const TextBox box = box_of(font, run);
      const double length = static_cast<double>(run.length) / 64;
      // From where the first line will be.
      lines.push_back({{to_utf8(text), length, box, options.margin, height}, std::move(run)});
      height += box.bottom - box.top;
    }
    // Rounded down, also when the lines are higher than the picture.
    for (SetLine& set : lines) set.line.y += (options.height - height) >> 1;
    return lines;
  }
};

std::filesystem::path default_font() { return "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"; }

TextPainter::TextPainter(const TextImageOptions& options) : impl_(std::make_unique<Impl>(options)) {}
TextPainter::TextPainter(TextPainter&&) noexcept = default;
TextPainter& TextPainter::operator=(TextPainter&&) noexcept = default;
TextPainter::~TextPainter() = default;

const TextImageOptions& TextPainter::options() const { return impl_->options; }
const std::string& TextPainter::id() const { return impl_->id; }

Pixels TextPainter::paint(std::string_view caption) const {
  const std::lock_guard lock(impl_->mutex);
  Canvas canvas(impl_->options.width, impl_->options.height);
  for (const SetLine& set : impl_->set(caption)) canvas.draw(impl_->font, set);
  return canvas.take();
}

std::vector<TextLine> TextPainter::lines(std::string_view caption) const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<TextLine> lines;
  for (SetLine& set : impl_->set(caption)) lines.push_back(std::move(set.line));
  return lines;
}

}  // namespace e5v::drawing
