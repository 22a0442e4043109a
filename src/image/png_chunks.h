#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The chunks of a PNG file, for those that libpng does not return as Pillow reads them.
namespace e5v::image {

struct PngChunk {
  std::string_view name;            ///< four letters
  std::span<const std::byte> data;  ///< inside the file
  std::optional<std::uint32_t> checksum;

  /// Whether the checksum is present and right.
  bool sound() const;

  /// The data as text.
  std::string_view text() const { return {reinterpret_cast<const char*>(data.data()), data.size()}; }
};

/// Steps from chunk to chunk. Ends at the end of the file, or where there can be no chunk.
class PngChunks {
 public:
  explicit PngChunks(std::span<const std::byte> file);
  std::optional<PngChunk> next();

 private:
  std::span<const std::byte> rest_;
};

/// A text chunk (tEXt, zTXt, iTXt): its keyword and its value. A value that cannot be decompressed, or has more than
/// `max_bytes` bytes, is empty in a zTXt and absent in an iTXt. Source: PIL.PngImagePlugin.
struct PngText {
  std::string_view keyword;
  std::string_view stored;  ///< the value in the form of the file
  bool compressed = false, international = false;
  bool readable = true;  ///< false for an unknown compression

  static std::optional<PngText> of(const PngChunk& chunk);
  std::optional<std::string> value(std::size_t max_bytes) const;
};

}  // namespace e5v::image
