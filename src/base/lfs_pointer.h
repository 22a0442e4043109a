#pragma once
#include <filesystem>
#include <string_view>

namespace e5v {

/// True for the few lines of text that a clone without Git LFS has in place of a file. Looks at the beginning only.
bool is_lfs_pointer(std::string_view content);

/// Throws InvalidInput, which names the file and says what to do, when its content is a Git LFS pointer.
void refuse_lfs_pointer(const std::filesystem::path& path, std::string_view content);

}  // namespace e5v
