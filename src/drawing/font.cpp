#include "drawing/font.h"

#include <algorithm>
#include <span>

#include FT_BITMAP_H
#include FT_GLYPH_H

#include "base/error.h"
#include "base/file.h"

namespace e5v::drawing {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 28;

/// Edge of a glyph's picture in pixels, so that a broken font cannot ask for all memory.
constexpr std::int64_t kLargestGlyph = 8192;

std::string font_bytes(const std::filesystem::path& file) {
  require(std::filesystem::exists(file), "[{}] font: no such file; the default font is in Debian's fonts-liberation",
          file.string());
  return read_file(file, kMaxFileBytes);
}

/// A glyph's picture as a byte per pixel; fonts may hold small sizes in fewer greys.
class ByteBitmap {
 public:
  explicit ByteBitmap(FT_Library library) : library_(library) { FT_Bitmap_Init(&bitmap_); }
  ByteBitmap(const ByteBitmap&) = delete;
  ByteBitmap& operator=(const ByteBitmap&) = delete;
  ~ByteBitmap() { FT_Bitmap_Done(library_, &bitmap_); }

  FT_Error convert(const FT_Bitmap& source) { return FT_Bitmap_Convert(library_, &source, &bitmap_, 1); }
  int width() const { return static_cast<int>(bitmap_.width); }
  int rows() const { return static_cast<int>(bitmap_.rows); }

  /// 0 to 255 [rows, width].
  std::vector<std::uint8_t> coverage() const {
    const int scale = 255 / std::max(1, bitmap_.num_grays - 1);
    std::vector<std::uint8_t> values;
    values.reserve(static_cast<std::size_t>(bitmap_.rows) * bitmap_.width);
    for (std::ptrdiff_t y = 0; y < rows(); ++y)
      for (const FT_Byte value : std::span(bitmap_.buffer + y * bitmap_.pitch, bitmap_.width))
        values.push_back(static_cast<std::uint8_t>(value * scale));
    return values;
  }

 private:
  FT_Library library_;
  FT_Bitmap bitmap_{};
};

}  // namespace

Font::Font(const std::filesystem::path& file, int size) : name_(file.string()), content_(font_bytes(file)) {
  FT_Library library = nullptr;
  require<DeviceError>(FT_Init_FreeType(&library) == 0, "[{}] font: FreeType does not start", name_);
  library_.reset(library);
  FT_Face face = nullptr;
  const auto* bytes = reinterpret_cast<const FT_Byte*>(content_.data());
  const FT_Error error = FT_New_Memory_Face(library, bytes, static_cast<FT_Long>(content_.size()), 0, &face);
  require(error == 0,
          "[{}] font: expected a TrueType or OpenType font, found {} bytes that are none (FreeType's error {})", name_,
          content_.size(), error);
  face_.reset(face);
  require(size > 0 && FT_Set_Pixel_Sizes(face, 0, static_cast<FT_UInt>(size)) == 0,
          "[{}] font: expected one with a size of {} pixels, found none", name_, size);
}

std::string Font::engine() const {
  FT_Int major = 0, minor = 0, patch = 0;
  FT_Library_Version(library_.get(), &major, &minor, &patch);
  return fmt::format("{}.{}.{}", major, minor, patch);
}

std::int64_t Font::ascender() const { return to_pixels(face_->size->metrics.ascender); }

std::uint32_t Font::glyph_of(char32_t character) const { return FT_Get_Char_Index(face_.get(), character); }

std::int64_t Font::advance(std::uint32_t glyph) const {
  load(glyph, FT_LOAD_DEFAULT);
  return face_->glyph->metrics.horiAdvance;
}

std::int64_t Font::kerning(std::uint32_t left, std::uint32_t right) const {
  FT_Vector delta{};
  if (!FT_HAS_KERNING(face_.get()) || FT_Get_Kerning(face_.get(), left, right, FT_KERNING_DEFAULT, &delta) != 0)
    return 0;
  return delta.x;
}

GlyphBox Font::box(std::uint32_t glyph) const {
  load(glyph, FT_LOAD_DEFAULT);
  FT_Glyph copy = nullptr;
  check(FT_Get_Glyph(face_->glyph, &copy), glyph);
  FT_BBox box{};
  FT_Glyph_Get_CBox(copy, FT_GLYPH_BBOX_PIXELS, &box);
  FT_Done_Glyph(copy);
  return {box.xMin, box.yMin, box.xMax, box.yMax};
}

GlyphImage Font::image(std::uint32_t glyph) const {
  const GlyphBox bounds = box(glyph);
  require(bounds.right - bounds.left <= kLargestGlyph && bounds.top - bounds.bottom <= kLargestGlyph,
          "[{}] font: glyph {} is {} x {} pixels, more than {}", name_, glyph, bounds.right - bounds.left,
          bounds.top - bounds.bottom, kLargestGlyph);
  load(glyph, FT_LOAD_RENDER);
  const FT_GlyphSlot slot = face_->glyph;
  ByteBitmap bytes(library_.get());
  check(bytes.convert(slot->bitmap), glyph);
  return {slot->bitmap_left, slot->bitmap_top, bytes.width(), bytes.rows(), bytes.coverage()};
}

void Font::load(std::uint32_t glyph, FT_Int32 flags) const { check(FT_Load_Glyph(face_.get(), glyph, flags), glyph); }

void Font::check(FT_Error error, std::uint32_t glyph) const {
  require(error == 0, "[{}] font: expected glyph {} to be drawable, found FreeType's error {}", name_, glyph, error);
}

}  // namespace e5v::drawing
