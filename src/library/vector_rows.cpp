#include "library/vector_rows.h"

#include <bit>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "library/rounded_rows.h"

namespace e5v::library {
namespace {

static_assert(std::endian::native == std::endian::little && sizeof(tensor::Half) == 2);

std::int64_t row_bytes(std::int64_t width) { return width * static_cast<std::int64_t>(sizeof(tensor::Half)); }

tensor::ConstMatrix matrix_of(const void* halves, std::int64_t rows, std::int64_t width) {
  return {static_cast<const std::byte*>(halves), tensor::DType::f16, rows, width, width};
}

}  // namespace

VectorRowWriter::VectorRowWriter(const std::filesystem::path& path, std::int64_t width, std::int64_t rows)
    : file_(path, rows * row_bytes(width)), rounded_(open_rounded(path, width, rows)), width_(width), rows_(rows) {}

std::int64_t VectorRowWriter::add(std::span<const float> vector) {
  std::vector<tensor::Half> rounded;
  rounded.reserve(vector.size());
  for (const float value : vector) rounded.emplace_back(value);
  return add(std::span<const tensor::Half>(rounded));
}

std::int64_t VectorRowWriter::add(std::span<const tensor::Half> vector) {
  require(static_cast<std::int64_t>(vector.size()) == width_, "[{}] {} numbers for a vector of {}",
          file_.path().string(), vector.size(), width_);
  added_.append(reinterpret_cast<const char*>(vector.data()), vector.size_bytes());
  return rows_++;
}

void VectorRowWriter::write() {
  if (added_.empty()) return;
  const std::int64_t count = std::ssize(added_) / row_bytes(width_);
  file_.append(added_);
  rounded_.append(matrix_of(added_.data(), count, width_));
  added_.clear();
}

void VectorRowWriter::flush() {
  write();
  file_.sync();
  rounded_.sync();
}

std::int64_t rows_in(const std::filesystem::path& path, std::int64_t width) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<std::int64_t>(size) / row_bytes(width);
}

VectorRows::VectorRows(const std::filesystem::path& path, std::int64_t width, std::int64_t rows)
    : width_(width), rows_(rows) {
  if (rows == 0) return;
  file_.emplace(path);
  const auto size = static_cast<std::int64_t>(file_->bytes().size());
  require(size >= rows * row_bytes(width), "[{}] has {} bytes, expected {} rows of {}", path.string(), size, rows,
          row_bytes(width));
}

tensor::ConstMatrix VectorRows::matrix() const {
  return matrix_of(rows_ == 0 ? nullptr : file_->bytes().data(), rows_, width_);
}

std::span<const tensor::Half> VectorRows::row(std::int64_t index) const {
  require(index >= 0 && index < rows_, "[vectors] expected a row below {}, found {}", rows_, index);
  const auto bytes = file_->bytes().subspan(static_cast<std::size_t>(index * row_bytes(width_)),
                                            static_cast<std::size_t>(row_bytes(width_)));
  return {reinterpret_cast<const tensor::Half*>(bytes.data()), static_cast<std::size_t>(width_)};
}

}  // namespace e5v::library
