#include "vectors/nibble_files.h"

#include <algorithm>
#include <bit>
#include <system_error>

#include "ops/nibble_dots.h"

namespace e5v::vectors {
namespace {

namespace fs = std::filesystem;

static_assert(sizeof(RowBounds) == 16 && std::endian::native == std::endian::little);

constexpr const char *kHigh = "rounded.high", *kLow = "rounded.low", *kBounds = "rounded.bounds";
constexpr auto kBoundsBytes = static_cast<std::int64_t>(sizeof(RowBounds));

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::int64_t size_of_file(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  return error ? -1 : static_cast<std::int64_t>(size);
}

}  // namespace

NibbleFiles::NibbleFiles(const fs::path& folder, std::int64_t width, std::int64_t rows)
    : width_(width), high_(folder / kHigh), low_(folder / kLow), bounds_(folder / kBounds) {
  const std::int64_t row_bytes = ops::nibble_row_bytes(width);
  const bool complete =
      high_.size() >= rows * row_bytes && low_.size() >= rows * row_bytes && bounds_.size() >= rows * kBoundsBytes;
  const std::int64_t kept = complete ? rows : 0;
  high_.truncate(kept * row_bytes), low_.truncate(kept * row_bytes), bounds_.truncate(kept * kBoundsBytes);
}

void NibbleFiles::append(tensor::ConstMatrix vectors_ND) {
  constexpr std::int64_t kPart = 8192;  // rows in memory at a time
  NibbleBuffer buffer(width_);
  for (std::int64_t begin = 0; begin < vectors_ND.rows; begin += kPart) {
    buffer.clear();
    buffer.append(vectors_ND.row_range(begin, std::min(kPart, vectors_ND.rows - begin)));
    const NibbleRows part = buffer.rows();
    high_.append(text_of(part.high)), low_.append(text_of(part.low)),
        bounds_.append(text_of(std::as_bytes(part.bounds)));
  }
}

void NibbleFiles::sync() const { high_.sync(), low_.sync(), bounds_.sync(); }

std::optional<MappedNibbles> MappedNibbles::open(const fs::path& folder, std::int64_t width, std::int64_t rows) {
  const std::int64_t row_bytes = ops::nibble_row_bytes(width);
  if (size_of_file(folder / kHigh) < rows * row_bytes || size_of_file(folder / kLow) < rows * row_bytes ||
      size_of_file(folder / kBounds) < rows * kBoundsBytes)
    return std::nullopt;
  MappedNibbles mapped;
  mapped.width_ = width, mapped.rows_ = rows;
  if (rows == 0) return mapped;  // an empty file cannot be mapped
  mapped.high_ = MappedFile(folder / kHigh), mapped.low_ = MappedFile(folder / kLow);
  mapped.bounds_ = MappedFile(folder / kBounds);
  return mapped;
}

NibbleRows MappedNibbles::rows() const {
  const auto bytes = static_cast<std::size_t>(rows_ * ops::nibble_row_bytes(width_));
  if (rows_ == 0) return {width_, {}, {}, {}};
  return {width_,
          high_.bytes().first(bytes),
          low_.bytes().first(bytes),
          {reinterpret_cast<const RowBounds*>(bounds_.bytes().data()), static_cast<std::size_t>(rows_)}};
}

}  // namespace e5v::vectors
