#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The list of chunks that a PNG file is, for what libpng does not hand on as Pillow reads it.
namespace e5v::image {

struct PngChunk {
  std::string_view name;            ///< four letters
  std::span<const std::byte> data;  ///< inside the file
  std::optional<std::uint32_t> checksum;

  /// The checksum is there and right.
  bool sound() const;

  /// The data as text.
  std::string_view text() const { return {reinterpret_cast<const char*>(data.data()), data.size()}; }
};

/// Walks from chunk to chunk; ends where the file does, or where no chunk can be.
class PngChunks {
 public:
  explicit PngChunks(std::span<const std::byte> file);
  std::optional<PngChunk> next();

 private:
  std::span<const std::byte> rest_;
};

/// A text chunk (tEXt, zTXt, iTXt): its keyword, and a way to its value. A value that cannot be decompressed is
/// empty in a zTXt, and none in an iTXt; so is one of more than `most` bytes. Source: PIL.PngImagePlugin.
struct PngText {
  std::string_view keyword;
  std::string_view stored;  ///< the value as it lies in the file
  bool compressed = false, international = false;
  bool readable = true;  ///< false: a compression that is not known

  static std::optional<PngText> of(const PngChunk& chunk);
  std::optional<std::string> value(std::size_t most) const;
};

}  // namespace e5v::image
