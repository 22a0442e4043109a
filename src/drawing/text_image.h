#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "e5v/input.h"

namespace e5v::drawing {

/// Pillow's two ways from characters to glyphs, which give other lengths and so other lines. Pillow takes raqm where
/// its libraries are installed.
enum class TextLayout {
  raqm,   ///< HarfBuzz: ligatures, scripts written from right to left, the font's own widths
  basic,  ///< one glyph per character, from left to right, with widths rounded to pixels
};

/// Liberation Sans, whose widths are those of Arial, where Debian's fonts-liberation puts it.
std::filesystem::path default_font();

/// How captions are drawn; the defaults are those of E5-V's rendered-text tasks, but for the font, which was Arial.
struct TextImageOptions {
  std::filesystem::path font = default_font();
  TextLayout layout = TextLayout::raqm;
  int width = 800, height = 400;  ///< of the picture, in pixels
  int size = 40;                  ///< of the font: an em in pixels
  int margin = 20;                ///< pixels left of the lines and, when they are broken, right of them
};

/// Pixels right of and below the point where a line is drawn; right and bottom are the first ones outside.
struct TextBox {
  std::int64_t left = 0, top = 0, right = 0, bottom = 0;
  bool operator==(const TextBox&) const = default;
};

/// A line as it stands in the picture.
struct TextLine {
  std::string text;           ///< UTF-8, with a blank after each word
  double length = 0;          ///< pixels, in 64ths
  TextBox box;                ///< about (x, y)
  std::int64_t x = 0, y = 0;  ///< where it is drawn, in pixels from the picture's upper left corner
};

/// Draws captions as pictures, black on white, broken into lines between the margins and centred vertically: pixel for
/// pixel what E5-V's create_text_image does with Pillow 9.4 over the same FreeType. What does not fit is cut off. May
/// be used by several threads, one at a time.
class TextPainter {
 public:
  /// Throws InvalidInput when the font's file is missing or no font, or a size makes no sense.
  explicit TextPainter(const TextImageOptions& options);
  TextPainter(TextPainter&&) noexcept;
  TextPainter& operator=(TextPainter&&) noexcept;
  ~TextPainter();

  /// The picture of a caption. Throws InvalidInput when it is no UTF-8 or has more than 100,000 bytes, or the font is
  /// broken where it is needed.
  Pixels paint(std::string_view caption) const;

  /// The lines of that picture.
  std::vector<TextLine> lines(std::string_view caption) const;

  const TextImageOptions& options() const;
  /// A hash of what decides how a caption looks: the font, sizes, layout, the versions of FreeType and raqm, and the
  /// revision of this code.
  const std::string& id() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace e5v::drawing
