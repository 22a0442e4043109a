#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace e5v {

/// Why nothing can be read at a path, in words for a message: kNoSuchFile, that it is a link to what is not there, or
/// the system's own reason. Empty when there is something.
inline constexpr const char* kNoSuchFile = "no such file";
std::string why_missing(const std::filesystem::path& path);

/// True when a folder has an entry of that path, be it a link to what is not there.
bool is_entry(const std::filesystem::path& path);

/// The whole file as bytes. Throws InvalidInput when it cannot be read, is no regular file, is larger than max_bytes,
/// or is a Git LFS pointer.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = std::uint64_t{1} << 30);

/// Writes content so that path holds either the old file or the whole new one, whatever happens: a temporary file in
/// the same folder, fsync, rename. Throws InvalidInput when that fails.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// True when the bytes are well-formed UTF-8 (no overlong forms, surrogates, or values above U+10FFFF).
bool is_valid_utf8(std::string_view text);

}  // namespace e5v
