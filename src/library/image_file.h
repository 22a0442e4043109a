#pragma once
#include <filesystem>

namespace e5v::library {

/// Whether the suffix of a file is that of an image that e5v reads, in upper or lower case.
bool has_image_suffix(const std::filesystem::path& file);

}  // namespace e5v::library
