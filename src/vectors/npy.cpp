#include "vectors/npy.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"

namespace e5v::vectors {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

/// What stands behind 'key': in the header's Python dictionary.
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

/// The type that a header's descr stands for: f16, f32 or f64 of little-endian bytes.
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

template <class T>
void widen(const std::byte* from, std::span<double> to) {
  for (double& value : to) {
    T number;
    std::memcpy(&number, from, sizeof(T));
    value = static_cast<double>(static_cast<std::conditional_t<std::is_same_v<T, double>, double, float>>(number));
    from += sizeof(T);
  }
}

double largest_of(std::span<const double> row) {
  double largest = 0;
  for (const double value : row) largest = std::isfinite(value) ? std::max(largest, std::abs(value)) : HUGE_VAL;
  return largest;
}

/// A row's length as a multiple of its largest number: so no square overflows or vanishes.
double relative_length(std::span<const double> row, double largest) {
  double sum = 0;
  for (const double value : row) sum += (value / largest) * (value / largest);
  return std::sqrt(sum);
}

/// Of rows that cannot be used the first.
class FirstRow {
 public:
  void add(std::int64_t row) {
    std::int64_t known = row_;
    while (row < known && !row_.compare_exchange_weak(known, row)) {
    }
  }
  bool any() const { return row_ != kNone; }
  std::int64_t row() const { return row_; }

 private:
  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  std::atomic<std::int64_t> row_ = kNone;
};

/// Calls visit(i, row) for the rows, widened, from many threads.
template <class Visit>
void for_each_row(const NpyArray& array, const Visit& visit) {
  constexpr std::int64_t kRows = 64;
  parallel_for((array.rows + kRows - 1) / kRows, 1, [&](std::int64_t part) {
    std::vector<double> row(static_cast<std::size_t>(array.columns));
    for (std::int64_t i = part * kRows; i < std::min(array.rows, (part + 1) * kRows); ++i) {
      array.read(i, row);
      visit(i, std::span<const double>(row));
    }
  });
}

}  // namespace

void NpyArray::read(std::int64_t i, std::span<double> row) const {
  const std::byte* from = numbers + i * columns * tensor::size_of(dtype);
  if (dtype == tensor::DType::f16) return widen<tensor::Half>(from, row);
  if (dtype == tensor::DType::f32) return widen<float>(from, row);
  widen<double>(from, row);
}

NpyArray parse_npy(std::span<const std::byte> bytes, const std::string& name) {
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

NpyFile::NpyFile(const std::filesystem::path& path) : file_(path), array_(parse_npy(file_.bytes(), path.string())) {
  FirstRow infinite, zero;
  std::atomic<bool> scaled =
      array_.dtype == tensor::DType::f32 && reinterpret_cast<std::uintptr_t>(array_.numbers) % alignof(float) == 0;
  for_each_row(array_, [&](std::int64_t i, std::span<const double> row) {
    const double largest = largest_of(row);
    if (largest == HUGE_VAL) return infinite.add(i);
    if (largest == 0) return zero.add(i);
    constexpr double kRounding = 5e-6;  // of the length of an f32 vector that was scaled
    if (std::abs(largest * relative_length(row, largest) - 1) > kRounding) scaled = false;
  });
  require(!infinite.any(), "[{}] row {} (from 0) holds NaN or infinity", path.string(), infinite.row());
  require(!zero.any(), "[{}] row {} (from 0) is all zeros, so that it has no direction", path.string(), zero.row());
  has_unit_rows_ = scaled;
}

UnitVectors::UnitVectors(NpyFile file) : file_(std::move(file)) {
  if (file_.has_unit_rows()) return;
  const NpyArray& array = file_.array();
  copy_.emplace(tensor::DType::f32, tensor::Shape{array.rows, array.columns});
  const std::span<float> to = copy_->as<float>();
  for_each_row(array, [&](std::int64_t i, std::span<const double> row) {
    const double largest = largest_of(row), length = relative_length(row, largest);
    std::ranges::transform(row, to.begin() + i * array.columns,
                           [&](double value) { return static_cast<float>(value / largest / length); });
  });
}

tensor::ConstMatrix UnitVectors::matrix() const {
  if (copy_) return tensor::matrix_of(copy_->view());
  const NpyArray& array = file_.array();
  return {array.numbers, array.dtype, array.rows, array.columns, array.columns};
}

}  // namespace e5v::vectors
