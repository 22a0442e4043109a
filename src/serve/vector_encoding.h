#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The encodings of vectors in responses.
namespace e5v::serve {

/// Appends "[0.25,-1e-3]", with the shortest decimal numbers that read back as the same floats.
void append_json(std::string& out, std::span<const float> vector);

/// The types of binary numbers.
enum class NumberType { float32, float16, bfloat16, fp8_e4m3, fp8_e5m2 };
enum class ByteOrder { little, big };
/// Returns the type with this name (float32, float16, bfloat16, fp8_e4m3 or fp8_e5m2), or nothing.
std::optional<NumberType> number_type_of(std::string_view name);

/// Appends the bytes of the numbers. Numbers outside of a type's range become its largest number in fp8_e4m3, and
/// infinite in the other types.
void append_bytes(std::string& out, std::span<const float> vector, NumberType type, ByteOrder order);

/// Converts the entries of a vector of length 1, from -1 to 1, to integers from -127 to 127.
std::vector<std::int8_t> to_int8(std::span<const float> vector);
/// Does the same and adds 128.
std::vector<std::uint8_t> to_uint8(std::span<const float> vector);
/// Returns one bit per number: 1 if it is not negative. The first number is the highest bit of the first byte. Source:
/// "ubinary" of Cohere and vLLM.
std::vector<std::uint8_t> to_bits(std::span<const float> vector);

/// Returns the bytes of the numbers as base64.
std::string to_base64(std::span<const float> vector, NumberType type = NumberType::float32,
                      ByteOrder order = ByteOrder::little);

}  // namespace e5v::serve
