#include "image/metadata.h"

#include <string_view>

#include "base/file.h"
#include "image/byte_reader.h"
#include "image/png_chunks.h"
#include "image/webp_demuxer.h"

namespace e5v::image {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kExifHeader = "Exif\0\0"sv;

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The bytes of a "Raw profile type": three lines (an empty one, its name, its length), then hexadecimal digits in
/// pairs with white space between them. Nothing for other content.
std::optional<std::string> profile_bytes(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const std::size_t end = text.find('\n');
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  std::string digits, bytes;
  for (const char c : text)
    if (c != '\n') digits += c;
  for (std::size_t i = 0; i < digits.size();) {
    if (" \t\r\f\v"sv.find(digits[i]) != std::string_view::npos) {
      ++i;
      continue;
    }
    const int high = digit_of(digits[i]), low = i + 1 < digits.size() ? digit_of(digits[i + 1]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return bytes;
}

/// The texts of a PNG. Of each kind the last one counts.
class PngTexts {
 public:
  void add(const PngChunk& chunk) {
    const auto text = PngText::of(chunk);
    if (!text) return;
    const bool is_xmp = text->keyword == "XML:com.adobe.xmp", is_profile = text->keyword == "Raw profile type exif";
    if (chunk.name == "tEXt" && text->keyword == "exif") exif_ = text->stored;
    if ((!is_xmp && !is_profile) || read_ > kMaxTogether) return;
    auto value = text->value(kMaximum);
    if (!value) return;
    read_ += value->size();
    const bool unicode = !text->international || is_valid_utf8(*value);
    if (is_profile && unicode) profile_ = std::move(*value);
    if (is_xmp) (unicode ? xmp_ : broken_xmp_) = std::move(*value);
  }
  void set_exif(Bytes block) { exif_ = std::string(kExifHeader) += text_of(block); }

  Metadata metadata() && {
    Metadata result{std::move(exif_), std::move(xmp_.empty() ? broken_xmp_ : xmp_)};
    // A profile that is no hexadecimal number is a broken block. XMP does not replace it.
    if (!result.exif && profile_) result.exif = profile_bytes(*profile_).value_or("no TIFF");
    return result;
  }

 private:
  static constexpr std::size_t kMaximum = std::size_t{1} << 20, kMaxTogether = std::size_t{1} << 26;
  std::optional<std::string> exif_, profile_;
  std::string xmp_, broken_xmp_;
  std::size_t read_ = 0;
};

std::string webp_chunk(const WebPDemuxer* demuxer, const char* name) {
  std::string data;
  WebPChunkIterator found{};
  if (WebPDemuxGetChunk(demuxer, name, 1, &found) != 0)
    data.assign(reinterpret_cast<const char*>(found.chunk.bytes), found.chunk.size);
  WebPDemuxReleaseChunkIterator(&found);
  return data;
}

}  // namespace

Metadata jpeg_metadata(Bytes file) {
  constexpr std::uint32_t kStartOfScan = 0xDA, kApp1 = 0xE1, kEndOfImage = 0xD9;
  constexpr std::string_view kXmpHeader = "http://ns.adobe.com/xap/1.0/\0"sv;
  Metadata result;
  const ByteReader read(file, true);
  std::size_t at = 2;
  while (const auto byte = read.number(at, 1)) {
    const auto marker = read.number(at + 1, 1);
    if (!marker) break;
    if (*byte != 0xFF || *marker == 0xFF || *marker == 0x00) {  // padding, or junk between segments
      ++at;
      continue;
    }
    if (*marker == kStartOfScan || *marker == kEndOfImage) break;
    const bool bare = (*marker >= 0xD0 && *marker <= 0xD8) || *marker == 0x01;
    const auto length = bare ? std::optional<std::uint32_t>(0) : read.number(at + 2, 2);
    if (!length || (!bare && *length < 2)) break;
    if (*marker == kApp1 && file.size() - at - 2 >= *length) {
      const Bytes segment = file.subspan(at + 4, *length - 2);
      if (starts_with(segment, kExifHeader)) {
        if (!result.exif) result.exif = kExifHeader;
        *result.exif += text_of(segment.subspan(kExifHeader.size()));
      } else if (starts_with(segment, kXmpHeader)) {
        result.xmp = text_of(segment.subspan(kXmpHeader.size()));
      }
    }
    at += 2 + *length;
  }
  return result;
}

Metadata png_metadata(Bytes file) {
  PngChunks chunks(file);
  PngTexts texts;
  bool animated = false, drawn = false;
  while (const auto chunk = chunks.next()) {
    if (chunk->name == "IEND" || (animated && drawn && chunk->name == "fcTL")) break;  // it belongs to the next frame
    animated = animated || chunk->name == "acTL";
    drawn = drawn || chunk->name == "IDAT";
    if (chunk->name == "eXIf") texts.set_exif(chunk->data);
    texts.add(*chunk);
  }
  return std::move(texts).metadata();
}

Metadata webp_metadata(Bytes file) {
  const WebPData data{reinterpret_cast<const std::uint8_t*>(file.data()), file.size()};
  const WebpDemuxer demuxer(WebPDemux(&data));
  if (demuxer == nullptr) return {};
  Metadata result;
  if (std::string exif = webp_chunk(demuxer.get(), "EXIF"); !exif.empty()) result.exif = std::move(exif);
  result.xmp = webp_chunk(demuxer.get(), "XMP ");
  return result;
}

}  // namespace e5v::image
