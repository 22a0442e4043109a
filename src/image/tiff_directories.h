#pragma once
#include <cstddef>
#include <span>

namespace e5v::image {

/// Whether a file that begins as a TIFF is a camera's raw file: whether one of its directories is of a DNG, holds
/// samples of a colour filter array, or is compressed as only cameras do. Directories outside of `file` count as
/// absent.
bool is_raw_tiff(std::span<const std::byte> file);

}  // namespace e5v::image
