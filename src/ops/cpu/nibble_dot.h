#pragma once
#include <cstddef>
#include <cstdint>

namespace e5v::ops::cpu {

/// The dot product of `groups` groups of 128 numbers of 16 bits with as many numbers of 4 bits (ops/nibble_dots.h),
/// summed in 32 bits, which must suffice.
std::int32_t nibble_dot(const std::int16_t* x, const std::byte* row, std::size_t groups);

}  // namespace e5v::ops::cpu
