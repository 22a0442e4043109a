#pragma once
#include <cstddef>
#include <span>
#include <string_view>

/// Recognises the type of a file that a reader does not support, so that its message can name the type.
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

/// Checks only the first bytes. Images that the callers read (image/format) are not recognised here.
ForeignFile describe_foreign_bytes(std::span<const std::byte> bytes);

}  // namespace e5v
