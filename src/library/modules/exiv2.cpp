#include <algorithm>
#include <exiv2/exiv2.hpp>
#include <mutex>

#include "library/metadata_module.h"
#include "library/metadata_text.h"

// Exiv2 is under the GPL, version 2 or later, and this is the only source that uses it. Its module is loaded at run
// time, and a build without it reads no metadata.

namespace e5v::library {
namespace {

/// Exiv2's parser of XMP is initialised once, and its log is no part of our messages.
void initialize_exiv2() {
  static std::once_flag once;
  static std::mutex parser;
  std::call_once(once, [] {
    Exiv2::LogMsg::setLevel(Exiv2::LogMsg::mute);
    Exiv2::XmpParser::initialize(
        [](void* mutex, bool lock) {
          auto* given = static_cast<std::mutex*>(mutex);
          lock ? given->lock() : given->unlock();
        },
        &parser);
#ifdef EXV_ENABLE_BMFF
    Exiv2::enableBMFF(true);
#endif
  });
}

/// A value that cannot be converted counts as absent.
template <class Read>
auto or_nothing(const Read& read) -> decltype(read()) {
  try {
    return read();
  } catch (const std::exception&) {
    return {};
  }
}

/// The text under a key; empty when there is none. The data are those of EXIF, IPTC or XMP.
template <class Key, class Data>
std::string text_of(const Data& data, const char* key) {
  return or_nothing([&]() -> std::string {
    const auto found = data.findKey(Key(key));
    return found == data.end() || found->count() == 0 ? "" : clean_text(found->toString(0), kMaxCaptionBytes);
  });
}

std::string exif_text(const Exiv2::ExifData& exif, const char* key) {
  return or_nothing([&]() -> std::string {
    const auto found = exif.findKey(Exiv2::ExifKey(key));
    return found == exif.end() ? "" : clean_text(found->toString(), kMaxCaptionBytes);
  });
}

std::optional<std::int64_t> exif_number(const Exiv2::ExifData& exif, const char* key) {
  return or_nothing([&]() -> std::optional<std::int64_t> {
    const auto found = exif.findKey(Exiv2::ExifKey(key));
    if (found == exif.end() || found->count() == 0) return std::nullopt;
    return found->toLong();
  });
}

/// Degrees, minutes and seconds as degrees; negative for the reference `negative`.
std::optional<double> degrees(const Exiv2::ExifData& exif, const char* key, const char* reference, char negative,
                              double maximum) {
  return or_nothing([&]() -> std::optional<double> {
    const auto found = exif.findKey(Exiv2::ExifKey(key));
    if (found == exif.end() || found->count() < 1) return std::nullopt;
    double value = 0, unit = 1;
    for (long i = 0; i < std::min<long>(found->count(), 3); ++i, unit /= 60) {
      const Exiv2::Rational part = found->toRational(i);
      if (part.second == 0 && i == 0) return std::nullopt;
      if (part.second == 0) break;
      value += unit * part.first / part.second;
    }
    if (value < 0 || value > maximum) return std::nullopt;
    return exif_text(exif, reference).starts_with(negative) ? -value : value;
  });
}

void add_keyword(std::string_view text, std::vector<std::string>& keywords) {
  std::string keyword = clean_text(text, kMaxKeywordBytes);
  std::ranges::replace(keyword, '\n', ' ');
  if (!keyword.empty() && std::ranges::find(keywords, keyword) == keywords.end()) {
    keywords.push_back(std::move(keyword));
  }
}

std::string first_of(std::initializer_list<std::string> texts) {
  for (const std::string& text : texts)
    if (!text.empty()) return text;
  return "";
}

std::optional<int> valid_rating(std::optional<std::int64_t> rating) {
  return rating && *rating >= -1 && *rating <= 5 ? std::optional(static_cast<int>(*rating)) : std::nullopt;
}

void add_xmp(const Exiv2::XmpData& xmp, Metadata& metadata) {
  const auto text = [&](const char* key) { return text_of<Exiv2::XmpKey>(xmp, key); };
  if (const std::string caption = text("Xmp.dc.description"); !caption.empty()) metadata.caption = caption;
  const auto rating = or_nothing([&]() -> std::optional<std::int64_t> {
    const auto found = xmp.findKey(Exiv2::XmpKey("Xmp.xmp.Rating"));
    return found == xmp.end() ? std::nullopt : std::optional<std::int64_t>(found->toLong());
  });
  if (const auto valid = valid_rating(rating)) metadata.rating = valid;
  or_nothing([&]() -> int {
    const auto found = xmp.findKey(Exiv2::XmpKey("Xmp.dc.subject"));
    for (long i = 0; found != xmp.end() && i < found->count(); ++i) add_keyword(found->toString(i), metadata.keywords);
    return 0;
  });
  if (metadata.taken.empty()) {
    metadata.taken = first_of({iso_time(text("Xmp.exif.DateTimeOriginal")), iso_time(text("Xmp.photoshop.DateCreated")),
                               iso_time(text("Xmp.xmp.CreateDate"))});
  }
}

void add_iptc(const Exiv2::IptcData& iptc, Metadata& metadata) {
  or_nothing([&]() -> int {
    for (const auto& entry : iptc)
      if (entry.key() == "Iptc.Application2.Keywords") add_keyword(entry.toString(), metadata.keywords);
    return 0;
  });
  const std::string caption = text_of<Exiv2::IptcKey>(iptc, "Iptc.Application2.Caption");
  if (!caption.empty()) metadata.caption = caption;
}

void add_exif(const Exiv2::ExifData& exif, Metadata& metadata) {
  const auto text = [&](const char* key) { return exif_text(exif, key); };
  metadata.taken = first_of({iso_time(text("Exif.Photo.DateTimeOriginal")),
                             iso_time(text("Exif.Photo.DateTimeDigitized")), iso_time(text("Exif.Image.DateTime"))});
  metadata.camera = camera_name(text("Exif.Image.Make"), text("Exif.Image.Model"));
  metadata.lens = first_of({text("Exif.Photo.LensModel"), or_nothing([&]() -> std::string {
                              const auto lens = Exiv2::lensName(exif);
                              return lens == exif.end() ? "" : clean_text(lens->print(&exif), kMaxKeywordBytes);
                            })});
  metadata.latitude = degrees(exif, "Exif.GPSInfo.GPSLatitude", "Exif.GPSInfo.GPSLatitudeRef", 'S', 90);
  metadata.longitude = degrees(exif, "Exif.GPSInfo.GPSLongitude", "Exif.GPSInfo.GPSLongitudeRef", 'W', 180);
  const auto orientation = exif_number(exif, "Exif.Image.Orientation");
  if (orientation && *orientation >= 1 && *orientation <= 8) metadata.orientation = static_cast<int>(*orientation);
  metadata.rating = valid_rating(exif_number(exif, "Exif.Image.Rating"));
  metadata.caption = text("Exif.Image.ImageDescription");
}

void read_file_metadata(std::span<const std::byte> file, Metadata& metadata) {
  initialize_exiv2();
  or_nothing([&]() -> int {
    const auto image =
        Exiv2::ImageFactory::open(reinterpret_cast<const Exiv2::byte*>(file.data()), static_cast<long>(file.size()));
    or_nothing([&]() -> int { return image->readMetadata(), 0; });  // what was read before an error counts
    add_exif(image->exifData(), metadata);
    add_iptc(image->iptcData(), metadata);
    add_xmp(image->xmpData(), metadata);
    metadata.width = std::max(image->pixelWidth(), 0);
    metadata.height = std::max(image->pixelHeight(), 0);
    return 0;
  });
  if (metadata.orientation >= 5) std::swap(metadata.width, metadata.height);
}

void read_packet(const std::string& packet, Metadata& metadata) {
  initialize_exiv2();
  Exiv2::XmpData xmp;
  const int failed = or_nothing([&] { return Exiv2::XmpParser::decode(xmp, packet); });
  if (failed == 0) add_xmp(xmp, metadata);
}

constexpr MetadataReader kReader{read_file_metadata, read_packet};

}  // namespace
}  // namespace e5v::library

extern "C" __attribute__((visibility("default"))) const e5v::library::MetadataReader* e5v_open_metadata_1() {
  return &e5v::library::kReader;
}
