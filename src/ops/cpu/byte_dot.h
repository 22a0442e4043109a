#pragma once
#include <cstddef>
#include <cstdint>

namespace e5v::ops::cpu {

/// a b, summed in 32 bits, which must be enough.
std::int32_t byte_dot(const std::int16_t* a, const std::int8_t* b, std::size_t count);

}  // namespace e5v::ops::cpu
