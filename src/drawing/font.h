#pragma once
#include <ft2build.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include FT_FREETYPE_H

// Kept out of the public headers of this layer, whose users need not know FreeType.

namespace e5v::drawing {

/// Whole pixels about a pen that stands at (0, 0) on the baseline; y grows upwards.
struct GlyphBox {
  std::int64_t left = 0, bottom = 0, right = 0, top = 0;
};

/// A glyph as it is drawn: how much of each pixel it covers, 0 to 255 [rows, width], the top row first.
struct GlyphImage {
  int left = 0;  ///< from the pen to the first column
  int top = 0;   ///< from the baseline up to the first row
  int width = 0, rows = 0;
  std::vector<std::uint8_t> coverage;
};

/// A font file at one size, hinted and drawn as FreeType does by default, which is what Pillow leaves it at. Used by
/// one thread at a time. Broken glyphs throw InvalidInput, whose message begins with [file].
class Font {
 public:
  /// `size` is the height of an em in pixels. Throws InvalidInput when the file is missing, no font, or has no such
  /// size.
  Font(const std::filesystem::path& file, int size);

  FT_Face face() const { return face_.get(); }
  std::string_view content() const { return content_; }
  /// FreeType's version: "2.12.1".
  std::string engine() const;

  /// From the top of a line down to its baseline, in pixels.
  std::int64_t ascender() const;
  /// The glyph of a character; 0, the font's sign for a missing one, when it has none.
  std::uint32_t glyph_of(char32_t character) const;
  /// How far the pen moves, in 64ths of a pixel.
  std::int64_t advance(std::uint32_t glyph) const;
  /// What the font's kerning table adds between two glyphs, in 64ths of a pixel; 0 when it has none.
  std::int64_t kerning(std::uint32_t left, std::uint32_t right) const;
  GlyphBox box(std::uint32_t glyph) const;
  GlyphImage image(std::uint32_t glyph) const;

 private:
  void load(std::uint32_t glyph, FT_Int32 flags) const;
  void check(FT_Error error, std::uint32_t glyph) const;

  template <auto Done>
  struct Closer {
    template <class T>
    void operator()(T* object) const {
      Done(object);
    }
  };
  std::string name_, content_;  // FreeType reads content_ as long as the face lives
  std::unique_ptr<std::remove_pointer_t<FT_Library>, Closer<FT_Done_FreeType>> library_;
  std::unique_ptr<std::remove_pointer_t<FT_Face>, Closer<FT_Done_Face>> face_;
};

/// 64ths to the nearest pixel, halves upwards: how Pillow rounds all of its positions.
constexpr std::int64_t to_pixels(std::int64_t sixty_fourths) { return (sixty_fourths + 32) >> 6; }

}  // namespace e5v::drawing
