#pragma once
#include <cstddef>
#include <string>
#include <string_view>

/// Texts of metadata in the forms that the library keeps.
namespace e5v::library {

/// No caption or keyword is longer; the rest is cut off.
inline constexpr std::size_t kMaxCaptionBytes = 16'384, kMaxKeywordBytes = 256;

/// The text without blanks and NULs at both ends, as cameras pad their texts, in valid UTF-8, and at most `max_bytes`
/// long.
std::string clean_text(std::string_view text, std::size_t max_bytes);

/// "2019-07-14T12:33:10" for a date of EXIF ("2019:07:14 12:33:10") or XMP ("2019-07-14T12:33:10+02:00", where the time
/// may be missing); empty when it is none.
std::string iso_time(std::string_view date);

/// Maker and model of a camera in one text without repeating the maker: "Canon EOS 5D" for "Canon" and "Canon EOS 5D".
std::string camera_name(std::string_view maker, std::string_view model);

}  // namespace e5v::library
