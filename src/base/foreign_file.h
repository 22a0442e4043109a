#pragma once
#include <cstddef>
#include <span>
#include <string_view>

/// What bytes are that a reader does not expect, so that its message can say more than "not mine".
namespace e5v {

/// Kinds of files, as far as they differ in what to do about them.
enum class ForeignKind {
  unknown,   ///< nothing that is known here
  empty,     ///< no bytes, or zeros only
  pointer,   ///< of Git LFS: names the file, is not the file
  web_page,  ///< HTML, as a server sends in place of what it does not have
  text,      ///< JSON, XML or other text, as an error that was saved as the file
  image,     ///< of another format
  other,     ///< video, sound, document, archive, data
};

struct ForeignFile {
  ForeignKind kind = ForeignKind::unknown;
  std::string_view name;  ///< with its article: "a web page (HTML)"; "bytes of an unknown format"
};

/// Looks at the first bytes only. JPEG, PNG and WebP are not told here: who asks reads them.
ForeignFile describe_foreign_bytes(std::span<const std::byte> bytes);

}  // namespace e5v
