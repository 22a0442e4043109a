#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "image/codec.h"

/// The image formats that e5v reads: how a file of each is recognised, and what decodes it.
namespace e5v::image {

struct Format {
  std::string_view name;                       ///< "JPEG"
  std::span<const std::string_view> suffixes;  ///< of files, in lower case: ".jpg"
  bool (*begins)(std::string_view file);       ///< whether the content is of this format; the suffix is not asked
  const Codec* codec = nullptr;                ///< null when a module has it
  std::string_view module = {};                ///< the name of this module: "tiff"
};

/// All of them. If a file fits several, it is of the first one.
std::span<const Format> formats();

/// The format of a file by its content; null when it is of none of them. kSignatureBytes of a file suffice, except to
/// tell a camera's raw file from another TIFF.
const Format* format_of(std::string_view file);
inline constexpr std::size_t kSignatureBytes = 64;

/// The codec of a format, whose module is loaded when it is first needed. Throws InvalidInput, which begins with
/// [origin], when this build or this machine lacks the module or its libraries.
const Codec& codec_of(const Format& format, std::string_view origin);

/// Whether a file's suffix is that of an image, in upper or lower case. This is for walking through folders. What a
/// file is, only its content tells.
bool has_image_suffix(const std::filesystem::path& file);

/// The names of the formats, for messages.
inline constexpr std::string_view kFormatNames = "JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF or a camera's raw format";

}  // namespace e5v::image
