#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Vectors as responses hold them.
namespace e5v::serve {

/// Appends "[0.25,-1e-3]": the shortest decimal numbers that are read back as the same floats.
void append_json(std::string& out, std::span<const float> vector);

/// The type of a number in bytes that are sent.
enum class NumberType { float32, float16, bfloat16, fp8_e4m3, fp8_e5m2 };
enum class ByteOrder { little, big };
/// The type of a name: float32, float16, bfloat16, fp8_e4m3 or fp8_e5m2; nothing for another one.
std::optional<NumberType> number_type_of(std::string_view name);

/// Appends the numbers' bytes. fp8 numbers beyond the type's range become its largest.
void append_bytes(std::string& out, std::span<const float> vector, NumberType type, ByteOrder order);

/// Numbers of -1 to 1 as whole ones of -127 to 127: of a vector that is scaled to length 1.
std::vector<std::int8_t> to_int8(std::span<const float> vector);
/// The same plus 128.
std::vector<std::uint8_t> to_uint8(std::span<const float> vector);
/// One bit for each number, 1 where it is not negative, the first in the highest bit of the first byte. Source:
/// Cohere's and vLLM's "ubinary".
std::vector<std::uint8_t> to_bits(std::span<const float> vector);

/// The bytes of float32 numbers, little-endian, as base64.
std::string to_base64(std::span<const float> vector);

}  // namespace e5v::serve
