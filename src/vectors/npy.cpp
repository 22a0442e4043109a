#include "vectors/npy.h"

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace e5v::vectors {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

/// What follows 'key': in the header's Python dictionary.
std::optional<std::string_view> value_of(std::string_view header, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = quote + std::string(key) + quote;
    std::size_t at = header.find(quoted);
    if (at == std::string_view::npos) continue;
    at = header.find_first_not_of(' ', at + quoted.size());
    if (at == std::string_view::npos || header[at] != ':') continue;
    at = header.find_first_not_of(' ', at + 1);
    if (at != std::string_view::npos) return header.substr(at);
  }
  return std::nullopt;
}

/// "(12, 34)" as numbers; nothing when it is something else.
std::optional<std::pair<std::int64_t, std::int64_t>> two_numbers(std::string_view text) {
  std::int64_t numbers[2]{};
  const char *at = text.data(), *end = at + text.size();
  const auto skip = [&](char wanted) {
    while (at != end && *at == ' ') ++at;
    return at != end && *at == wanted && (++at, true);
  };
  const auto read = [&](std::int64_t& number) {
    while (at != end && *at == ' ') ++at;
    const auto result = std::from_chars(at, end, number);
    at = result.ptr;
    return result.ec == std::errc() && number >= 0;
  };
  const bool good = skip('(') && read(numbers[0]) && skip(',') && read(numbers[1]) && (skip(','), skip(')'));
  return good ? std::optional(std::pair(numbers[0], numbers[1])) : std::nullopt;
}

/// Returns the type of a header's descr: f16, f32 or f64, little-endian.
tensor::DType dtype_of(std::string_view descr, const std::string& name) {
  constexpr std::array<std::pair<std::string_view, tensor::DType>, 3> kTypes{
      {{"<f2", tensor::DType::f16}, {"<f4", tensor::DType::f32}, {"<f8", tensor::DType::f64}}};
  for (const auto& [code, dtype] : kTypes)
    for (const char quote : {'\'', '"'})
      if (descr.starts_with(quote + std::string(code) + quote)) return dtype;
  std::string_view code = descr.substr(0, descr.find(','));
  if (code.size() > 2 && code.front() == code.back()) code = code.substr(1, code.size() - 2);
  fail<InvalidInput>(
      "[{}] holds numbers of the type {}, expected <f2, <f4 or <f8 (float16, float32, float64); save it with "
      ".astype('<f4')",
      name, in_quotes(code));
}

}  // namespace

std::string npy_head(std::int64_t rows, std::int64_t width) {
  constexpr std::size_t kSize = 128;  // holds any two int64_t, and keeps rows at cache lines, as NumPy has it
  std::string dictionary = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, width);
  constexpr std::size_t kPrefix = 10;  // magic, version, length
  dictionary.resize(kSize - kPrefix - 1, ' ');
  dictionary += '\n';
  std::string head(kMagic);
  head += {'\1', '\0'};
  head += static_cast<char>(dictionary.size() & 0xFF);
  head += static_cast<char>(dictionary.size() >> 8);
  return head + dictionary;
}

VectorArray parse_npy(std::span<const std::byte> bytes, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  require(text.size() >= 12 && text.starts_with(kMagic), "[{}] is no .npy file", name);
  const auto major = static_cast<unsigned char>(text[6]);
  require(major >= 1 && major <= 3, "[{}] is of version {} of NumPy's format, expected 1 to 3", name, major);
  std::uint32_t length = 0;
  std::memcpy(&length, text.data() + 8, major == 1 ? 2 : 4);
  const std::size_t begin = major == 1 ? 10 : 12;
  require(length <= text.size() - begin, "[{}] ends in its header", name);
  const std::string_view header = text.substr(begin, length);
  const auto descr = value_of(header, "descr"), order = value_of(header, "fortran_order"),
             shape = value_of(header, "shape");
  require(descr && order && shape, "[{}] has no descr, fortran_order and shape in its header", name);
  const tensor::DType dtype = dtype_of(*descr, name);
  require(order->starts_with("False"), "[{}] is in Fortran's order, expected C's; save it with numpy.ascontiguousarray",
          name);
  const auto sizes = two_numbers(*shape);
  require(sizes.has_value(), "[{}] has the shape {}, expected two axes", name,
          in_quotes(shape->substr(0, shape->find(')') == std::string_view::npos ? 0 : shape->find(')') + 1)));
  const auto [rows, columns] = *sizes;
  const std::size_t data = text.size() - begin - length;
  require(columns > 0 && rows > 0, "[{}] is empty: {} x {}", name, rows, columns);
  const auto bytes_each = static_cast<std::size_t>(tensor::size_of(dtype)), count = data / bytes_each;
  const auto R = static_cast<std::size_t>(rows), C = static_cast<std::size_t>(columns);
  require(C <= count && R == count / C && data == R * C * bytes_each,
          "[{}] has {} bytes of numbers, expected {} x {} of {}", name, data, rows, columns, tensor::name_of(dtype));
  return {bytes.data() + begin + length, dtype, rows, columns};
}

}  // namespace e5v::vectors
