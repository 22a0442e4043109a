#pragma once
#include <cstddef>
#include <cstdint>

namespace e5v::ops::cpu {

/// The dot product of a and b, summed in 32 bits, which must suffice.
std::int32_t byte_dot(const std::int16_t* a, const std::int8_t* b, std::size_t count);

}  // namespace e5v::ops::cpu
