#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace e5v {

/// Base64 with padding (RFC 4648).
std::string to_base64(std::string_view bytes);

/// The bytes of a base64 text, or nothing when it is none. Blanks and line ends are skipped, the padding may be
/// missing, and the URL-safe "-" and "_" count as "+" and "/".
std::optional<std::string> from_base64(std::string_view text);

}  // namespace e5v
