#include "eval/npy.h"

#include <atomic>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/parallel.h"
#include "ops/norm.h"

namespace e5v::eval {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

/// What stands behind 'key': in the header's Python dictionary.
std::optional<std::string_view> value_of(std::string_view header, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = quote + std::string(key) + quote;
    std::size_t at = header.find(quoted);
    if (at == std::string_view::npos) continue;
    at = header.find_first_not_of(" ", at + quoted.size());
    if (at == std::string_view::npos || header[at] != ':') continue;
    at = header.find_first_not_of(" ", at + 1);
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

}  // namespace

tensor::ConstMatrix parse_npy(std::span<const std::byte> bytes, const std::string& name) {
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
  require(descr->starts_with("'<f4'") || descr->starts_with("\"<f4\""), "[{}] holds {}, expected float32 ('<f4')", name,
          in_quotes(descr->substr(0, descr->find(','))));
  require(order->starts_with("False"), "[{}] is in Fortran's order, expected C's", name);
  const auto sizes = two_numbers(*shape);
  require(sizes.has_value(), "[{}] has the shape {}, expected two axes", name,
          in_quotes(shape->substr(0, shape->find(')') == std::string_view::npos ? 0 : shape->find(')') + 1)));
  const auto [rows, columns] = *sizes;
  const std::size_t data = text.size() - begin - length;
  require(columns > 0 && rows > 0, "[{}] is empty: {} x {}", name, rows, columns);
  require(static_cast<std::uint64_t>(columns) <= data / 4 && static_cast<std::uint64_t>(rows) == data / 4 / columns &&
              data == static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) * 4,
          "[{}] has {} bytes of numbers, expected {} x {} float32", name, data, rows, columns);
  const std::byte* numbers = bytes.data() + begin + length;
  require(reinterpret_cast<std::uintptr_t>(numbers) % alignof(float) == 0, "[{}] has numbers at an odd place", name);
  return {numbers, tensor::DType::f32, rows, columns, columns};
}

NpyFile::NpyFile(const std::filesystem::path& path) : file_(path), matrix_(parse_npy(file_.bytes(), path.string())) {
  std::atomic<std::int64_t> bad = -1;
  std::atomic<bool> scaled = true;
  parallel_for(matrix_.rows, 256, [&](std::int64_t i) {
    const float* row = matrix_.row<float>(i);
    double square = 0;  // no sum of squares of finite f32 overflows it
    for (std::int64_t d = 0; d < matrix_.columns; ++d) square += double{row[d]} * row[d];
    constexpr double kRounding = 1e-5;  // of an f32 vector that was scaled
    if (!std::isfinite(square)) bad = i;
    if (std::abs(square - 1) > kRounding) scaled = false;
  });
  has_unit_rows_ = scaled;
  require(bad < 0, "[{}] row {} is not finite", path.string(), bad.load());
}

UnitVectors::UnitVectors(NpyFile file) : file_(std::move(file)) {
  if (file_.has_unit_rows()) return;
  const tensor::ConstMatrix matrix = file_.matrix();
  copy_.emplace(tensor::DType::f32, tensor::Shape{matrix.rows, matrix.columns});
  ops::l2_normalize(matrix, tensor::matrix_of(*copy_));
}

tensor::ConstMatrix UnitVectors::matrix() const { return copy_ ? tensor::matrix_of(copy_->view()) : file_.matrix(); }

}  // namespace e5v::eval
