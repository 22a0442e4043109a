#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "vectors/vector_array.h"

/// NumPy's format, both ways. Source: numpy.lib.format.
namespace e5v::vectors {

/// The head of a file of f32 [rows, width] in version 1.0. Its size is the same whatever the numbers are, and a
/// multiple of 64, so that the rows after it are aligned.
std::string npy_head(std::int64_t rows, std::int64_t width);

/// The array in the bytes of a file of f16, f32 or f64, little-endian, in C order, with two axes; `name` leads the
/// messages. The values are not looked at. Throws InvalidInput when the file is of another kind or length.
VectorArray parse_npy(std::span<const std::byte> bytes, const std::string& name);

}  // namespace e5v::vectors
