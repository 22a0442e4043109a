#include "image/format.h"

#include <algorithm>
#include <array>
#include <string>

#include "image/codec_module.h"
#include "image/tiff_directories.h"

namespace e5v::image {
namespace {

using namespace std::string_view_literals;

bool has(std::string_view file, std::size_t offset, std::string_view bytes) {
  return file.size() >= offset + bytes.size() && file.substr(offset, bytes.size()) == bytes;
}

bool is_jpeg(std::string_view file) { return has(file, 0, "\xFF\xD8\xFF"sv); }
bool is_png(std::string_view file) { return has(file, 0, "\x89PNG\r\n\x1A\n"sv); }
bool is_webp(std::string_view file) { return has(file, 0, "RIFF"sv) && has(file, 8, "WEBP"sv); }
bool is_gif(std::string_view file) { return has(file, 0, "GIF87a"sv) || has(file, 0, "GIF89a"sv); }

/// BMP's two letters are those of many texts: its header's size and its reserved zeros tell it.
bool is_bmp(std::string_view file) {
  constexpr std::size_t kReserved = 6, kHeaderSize = 14;
  if (file.size() < kHeaderSize + 4 || !file.starts_with("BM")) return false;
  const auto size = static_cast<unsigned char>(file[kHeaderSize]);
  return has(file, kReserved, "\0\0\0\0"sv) && has(file, kHeaderSize + 1, "\0\0\0"sv) && size >= 12 && size <= 124;
}

bool is_tiff(std::string_view file) {
  for (const std::string_view start : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv})
    if (has(file, 0, start)) return true;
  return false;
}

/// Whether a file of the family of MP4 has one of these brands. It begins with a box "ftyp", which lists them. Source:
/// ISO/IEC 14496-12.
bool has_brand(std::string_view file, std::span<const std::string_view> brands) {
  if (!has(file, 4, "ftyp"sv)) return false;
  std::size_t size = 0;
  for (const char byte : file.substr(0, 4)) size = size << 8 | static_cast<unsigned char>(byte);
  const std::string_view box = file.substr(0, std::min(std::max<std::size_t>(size, 12), kSignatureBytes));
  for (std::size_t at = 8; at + 4 <= box.size(); at += 4)
    if (at != 12 && std::ranges::count(brands, box.substr(at, 4)) > 0) return true;  // at 12 there is a version number
  return false;
}

bool is_avif(std::string_view file) {
  static constexpr std::array kBrands = {"avif"sv, "avis"sv};
  return has_brand(file, kBrands);
}

// Source: ISO/IEC 23008-12.
bool is_heic(std::string_view file) {
  static constexpr std::array kBrands = {"heic"sv, "heix"sv, "heim"sv, "heis"sv, "hevc"sv, "hevx"sv,
                                         "hevm"sv, "hevs"sv, "mif1"sv, "msf1"sv, "mif2"sv};
  return has_brand(file, kBrands);
}

/// Canon, Fujifilm, Olympus, Panasonic, Minolta and Sigma have signatures. The others write TIFF files.
bool is_raw(std::string_view file) {
  static constexpr std::array kCanon = {"crx "sv};
  for (const std::string_view start :
       {"FUJIFILMCCD-RAW"sv, "IIRO"sv, "IIRS"sv, "MMOR"sv, "IIU\0"sv, "\0MRM"sv, "FOVb"sv})
    if (has(file, 0, start)) return true;
  if (has(file, 6, "HEAPCCDR"sv) || has_brand(file, kCanon)) return true;
  return is_tiff(file) && is_raw_tiff(std::as_bytes(std::span(file)));
}

constexpr std::array kJpeg = {".jpg"sv, ".jpeg"sv, ".jpe"sv, ".jfif"sv};
constexpr std::array kPng = {".png"sv};
constexpr std::array kWebp = {".webp"sv};
constexpr std::array kGif = {".gif"sv};
constexpr std::array kBmp = {".bmp"sv, ".dib"sv};
constexpr std::array kAvif = {".avif"sv};
constexpr std::array kHeic = {".heic"sv, ".heif"sv, ".hif"sv};
constexpr std::array kRaw = {".3fr"sv, ".arw"sv, ".cr2"sv, ".cr3"sv, ".crw"sv, ".dcr"sv, ".dng"sv, ".erf"sv, ".fff"sv,
                             ".iiq"sv, ".kdc"sv, ".mef"sv, ".mos"sv, ".mrw"sv, ".nef"sv, ".nrw"sv, ".orf"sv, ".pef"sv,
                             ".raf"sv, ".rw2"sv, ".rwl"sv, ".sr2"sv, ".srf"sv, ".srw"sv, ".x3f"sv};
constexpr std::array kTiff = {".tif"sv, ".tiff"sv};

constexpr std::array kFormats = {
    Format{"JPEG", kJpeg, is_jpeg, &kJpegCodec},     Format{"PNG", kPng, is_png, &kPngCodec},
    Format{"WebP", kWebp, is_webp, &kWebpCodec},     Format{"GIF", kGif, is_gif, &kGifCodec},
    Format{"BMP", kBmp, is_bmp, &kBmpCodec},         Format{"AVIF", kAvif, is_avif, nullptr, "avif"},
    Format{"HEIC", kHeic, is_heic, nullptr, "heif"}, Format{"RAW", kRaw, is_raw, nullptr, "raw"},
    Format{"TIFF", kTiff, is_tiff, nullptr, "tiff"},
};

}  // namespace

std::span<const Format> formats() { return kFormats; }

const Format* format_of(std::string_view file) {
  const auto found = std::ranges::find_if(kFormats, [&](const Format& format) { return format.begins(file); });
  return found == kFormats.end() ? nullptr : &*found;
}

const Codec& codec_of(const Format& format, std::string_view origin) {
  return format.codec != nullptr ? *format.codec : module_codec(format.module, format.name, origin);
}

bool has_image_suffix(const std::filesystem::path& file) {
  std::string suffix = file.extension().string();
  for (char& letter : suffix)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return std::ranges::any_of(kFormats, [&](const Format& format) {
    return std::ranges::count(format.suffixes, std::string_view(suffix)) > 0;
  });
}

}  // namespace e5v::image
