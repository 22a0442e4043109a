#include "base/foreign_file.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.h"
#include "base/file.h"

namespace e5v {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kLookedAt = 4096;

struct Signature {
  std::size_t offset;
  std::string_view bytes, name;
  ForeignKind kind = ForeignKind::other;
};

constexpr ForeignKind kImage = ForeignKind::image;

constexpr std::array kSignatures = {
    Signature{4, "jP  \r\n\x87\n"sv, "a JPEG 2000 image", kImage},
    Signature{0, "\xFF\x4F\xFF\x51"sv, "a JPEG 2000 image", kImage},
    Signature{4, "JXL \r\n\x87\n"sv, "a JPEG XL image", kImage},
    Signature{0, "\xFF\x0A"sv, "a JPEG XL image", kImage},
    Signature{0, "\0\0\1\0"sv, "an icon (ICO)", kImage},
    Signature{0, "8BPS"sv, "a Photoshop document (PSD)", kImage},
    Signature{0, "\x76\x2F\x31\x01"sv, "an OpenEXR image", kImage},
    Signature{0, "qoif"sv, "a QOI image", kImage},
    Signature{0, "DDS "sv, "a DDS image", kImage},
    Signature{0, "%PDF"sv, "a PDF document"},
    Signature{0, "%!PS"sv, "a PostScript document"},
    Signature{0, "PK\3\4"sv, "a ZIP archive"},
    Signature{0, "\x1F\x8B"sv, "a gzip archive"},
    Signature{0, "BZh"sv, "a bzip2 archive"},
    Signature{0, "\xFD\x37zXZ\0"sv, "an xz archive"},
    Signature{0, "\x28\xB5\x2F\xFD"sv, "a Zstandard archive"},
    Signature{0, "7z\xBC\xAF\x27\x1C"sv, "a 7z archive"},
    Signature{0, "Rar!\x1A\7"sv, "a RAR archive"},
    Signature{257, "ustar"sv, "a tar archive"},
    Signature{0, "\x1A\x45\xDF\xA3"sv, "a video (Matroska or WebM)"},
    Signature{8, "AVI LIST"sv, "a video (AVI)"},
    Signature{8, "WAVEfmt "sv, "a sound (WAV)"},
    Signature{0, "ID3"sv, "a sound (MP3)"},
    Signature{0, "OggS"sv, "a sound or video (Ogg)"},
    Signature{0, "fLaC"sv, "a sound (FLAC)"},
    Signature{0, "\x93NUMPY"sv, "a NumPy array"},
    Signature{0, "PAR1"sv, "a Parquet table"},
    Signature{0, "\177ELF"sv, "a program (ELF)"},
};

bool has(std::string_view text, std::size_t offset, std::string_view bytes) {
  return text.size() >= offset + bytes.size() && text.substr(offset, bytes.size()) == bytes;
}

/// The family of formats around MP4 begins with a box "ftyp", whose first brand names the format. Source: ISO/IEC
/// 14496-12.
std::optional<ForeignFile> of_brands(std::string_view text) {
  if (!has(text, 4, "ftyp")) return std::nullopt;
  return ForeignFile{ForeignKind::other, has(text, 8, "qt  ") ? "a video (QuickTime)" : "a video (MP4)"};
}

/// Without byte order mark, white space, and comments of HTML and XML.
std::string_view without_preamble(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (;;) {
    const std::size_t start = text.find_first_not_of(" \t\r\n\f\v");
    text.remove_prefix(std::min(start, text.size()));
    if (!text.starts_with("<!--")) return text;
    const std::size_t end = text.find("-->");
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 3);
  }
}

/// Without control characters, and well-formed UTF-8 or, as in older encodings, mostly ASCII.
bool is_text(std::string_view text) {
  const auto is_control = [](char byte) {
    const auto value = static_cast<unsigned char>(byte);
    return (value < 0x20 && !(value >= '\t' && value <= '\r')) || value == 0x7F;
  };
  if (std::ranges::any_of(text, is_control)) return false;
  const auto ascii = std::ranges::count_if(text, [](char byte) { return static_cast<unsigned char>(byte) < 0x80; });
  return is_valid_utf8(text) || static_cast<std::size_t>(ascii) * 5 >= text.size() * 4;
}

/// Markup by its first tag, whatever its encoding.
std::optional<ForeignFile> of_markup(std::string_view body) {
  constexpr std::array kTags = {"<!doctype html"sv, "<html"sv,  "<head"sv, "<body"sv,   "<title"sv, "<meta"sv,
                                "<script"sv,        "<style"sv, "<link"sv, "<center"sv, "<table"sv, "<div"sv,
                                "<span"sv,          "<h1"sv,    "<p>"sv,   "<br"sv,     "<a "sv};
  const bool xml = starts_with_ignoring_case(body, "<?xml");
  if (xml) body = without_preamble(body.substr(std::min(body.find('>'), body.size() - 1) + 1));
  if (starts_with_ignoring_case(body, "<svg") || starts_with_ignoring_case(body, "<!doctype svg"))
    return ForeignFile{kImage, "an SVG drawing"};
  for (const std::string_view tag : kTags)
    if (starts_with_ignoring_case(body, tag)) return ForeignFile{ForeignKind::web_page, "a web page (HTML)"};
  if (xml) return ForeignFile{ForeignKind::text, "an XML document"};
  return std::nullopt;
}

ForeignFile of_text(std::string_view body) {
  if (body.starts_with("version https://git-lfs.github.com/spec/")) return {ForeignKind::pointer, "a Git LFS pointer"};
  if (body.starts_with('{') || body.starts_with('[')) return {ForeignKind::text, "JSON text"};
  return {ForeignKind::text, body.empty() ? "blank text" : "text"};
}

}  // namespace

ForeignFile describe_foreign_bytes(std::span<const std::byte> bytes) {
  const std::string_view whole(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (whole.empty()) return {ForeignKind::empty, "an empty file"};
  const std::string_view text = whole.substr(0, kLookedAt);
  for (const Signature& known : kSignatures)
    if (has(text, known.offset, known.bytes)) return {known.kind, known.name};
  if (const auto found = of_brands(text)) return *found;
  const std::string_view body = without_preamble(text);
  if (const auto found = of_markup(body)) return *found;
  if (is_text(text)) return of_text(body);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return {ForeignKind::text, "text in UTF-16"};
  if (whole.find_first_not_of('\0') == std::string_view::npos) return {ForeignKind::empty, "zero bytes alone"};
  return {ForeignKind::unknown, "bytes of an unknown format"};
}

}  // namespace e5v
