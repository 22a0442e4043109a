#include "nn/tape.h"

#include "ops/rows.h"

namespace e5v::nn {
namespace {

std::int64_t elements_of(const tensor::ConstMatrix& matrix) {
  return matrix.rows == 0 ? 0 : (matrix.rows - 1) * matrix.stride + matrix.columns;
}

bool holds(const tensor::ConstMatrix& matrix, const std::byte* data) {
  return data >= matrix.data && data < matrix.data + elements_of(matrix) * size_of(matrix.dtype);
}

}  // namespace

void Tape::watch(tensor::ConstMatrix value) { watched_.push_back({value, {}}); }

void Tape::watch(tensor::ConstMatrix value, tensor::Matrix gradient) {
  require(gradient.dtype == tensor::DType::f32 && gradient.rows == value.rows && gradient.columns == value.columns,
          "[tape] gradient is [{}, {}], expected f32 [{}, {}]", gradient.rows, gradient.columns, value.rows,
          value.columns);
  watched_.push_back({value, gradient});
}

Tape::Watched* Tape::find(const std::byte* data) {
  // The latest entry counts, because the arena's memory may have been watched before with another shape.
  for (auto entry = watched_.rbegin(); entry != watched_.rend(); ++entry) {
    if (holds(entry->value, data)) return &*entry;
  }
  return nullptr;
}

std::optional<tensor::Matrix> Tape::gradient(tensor::ConstMatrix value) {
  Watched* found = find(value.data);
  if (found == nullptr) return outer_ == nullptr ? std::nullopt : outer_->gradient(value);
  if (found->gradient.data == nullptr) {
    found->gradient = arena_.matrix(tensor::DType::f32, found->value.rows, found->value.columns);
    ops::fill(found->gradient, 0);
  }
  const std::int64_t offset = (value.data - found->value.data) / size_of(value.dtype);
  const std::int64_t row = offset / found->value.stride, column = offset % found->value.stride;
  return found->gradient.row_range(row, value.rows).column_range(column, value.columns);
}

Tape::Target Tape::target(tensor::ConstMatrix value) {
  Watched* found = find(value.data);
  const bool whole = found != nullptr && found->value.data == value.data && found->value.rows == value.rows &&
                     found->value.columns == value.columns;
  if (!whole || found->gradient.data != nullptr) return {gradient(value).value(), false};
  found->gradient = arena_.matrix(tensor::DType::f32, value.rows, value.columns);
  return {found->gradient, true};
}

std::span<float> Tape::gradient(const tensor::TensorView& value) {
  const auto found =
      gradient(tensor::ConstMatrix{value.data, value.dtype, 1, value.elements(), value.elements(), value.place});
  if (!found) return {};
  return {found->row<float>(0), static_cast<std::size_t>(found->columns)};
}

void Tape::rewind() {
  while (!steps_.empty()) {
    const std::function<void()> step = std::move(steps_.back());
    steps_.pop_back();
    step();
  }
  held_.clear();
}

}  // namespace e5v::nn
