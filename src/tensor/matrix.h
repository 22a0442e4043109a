#pragma once
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "tensor/device.h"
#include "tensor/dtype.h"
#include "tensor/tensor.h"

namespace e5v::tensor {

/// A borrowed 2-D block of activations: rows of contiguous elements, `stride` elements apart. Byte is std::byte, or
/// const std::byte for a read-only block. Only memory of the host may be read through its pointers.
template <class Byte>
struct BasicMatrix {
  Byte* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t rows = 0, columns = 0, stride = 0;
  Place place = Place::host;

  /// Rows [from, from + count).
  BasicMatrix row_range(std::int64_t from, std::int64_t count) const {
    return {data + from * stride * size_of(dtype), dtype, count, columns, stride, place};
  }
  /// Columns [from, from + count).
  BasicMatrix column_range(std::int64_t from, std::int64_t count) const {
    return {data + from * size_of(dtype), dtype, rows, count, stride, place};
  }
  /// A pointer to a row as T (float, BFloat16, ...). The caller has checked the type.
  template <class T>
  auto row(std::int64_t index) const {
    using Element = std::conditional_t<std::is_const_v<Byte>, const T, T>;
    return reinterpret_cast<Element*>(data) + index * stride;
  }
  operator BasicMatrix<const std::byte>() const requires(!std::is_const_v<Byte>) {
    return {data, dtype, rows, columns, stride, place};
  }
};

using Matrix = BasicMatrix<std::byte>;
using ConstMatrix = BasicMatrix<const std::byte>;

/// A whole tensor as a matrix: the last axis as columns, the others as rows.
inline Matrix matrix_of(const Tensor& tensor) {
  const Shape& shape = tensor.shape();
  const std::int64_t columns = shape.rank() == 0 ? 1 : shape[shape.rank() - 1];
  const std::int64_t rows = columns == 0 ? 0 : tensor.elements() / columns;
  return {tensor.data(), tensor.dtype(), rows, columns, columns, tensor.place()};
}

inline ConstMatrix matrix_of(const TensorView& view) {
  const std::int64_t columns = view.shape.rank() == 0 ? 1 : view.shape[view.shape.rank() - 1];
  return {view.data, view.dtype, columns == 0 ? 0 : view.elements() / columns, columns, columns, view.place};
}

}  // namespace e5v::tensor
