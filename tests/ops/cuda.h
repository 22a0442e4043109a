#pragma once
// What tests of the GPU share: without one there is nothing to compare, and they are skipped.
#include <gmock/gmock.h>

#include "ops/accelerator.h"
#include "ops/random.h"
#include "ops/rows.h"
#include "ops/weights.h"

namespace e5v::ops::test {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Place;
using tensor::Tensor;

/// A copy on the GPU, in another type if need be.
inline Tensor on_gpu(const Tensor& source, DType type = DType::f32) {
  Tensor copy = copied(source.view(), Place::device);
  if (type == source.dtype()) return copy;
  Tensor result(type, source.shape(), Place::device);
  convert(matrix_of(copy), matrix_of(result));
  return result;
}
inline Tensor on_gpu(const RandomMatrix& source, DType type = DType::f32) { return on_gpu(source.tensor, type); }

inline Tensor empty(std::int64_t rows, std::int64_t columns, DType type = DType::f32) {
  Tensor result(type, {rows, columns}, Place::device);
  const Tensor poison(DType::u8, {rows * columns * size_of(type)});
  std::ranges::fill(poison.as<std::uint8_t>(), std::uint8_t{0xFF});  // not a number in every type
  tensor::device().copy(poison.data(), Place::host, result.data(), Place::device, poison.view().bytes().size());
  return result;
}

inline Tensor ones(std::int64_t rows, std::int64_t columns) {
  Tensor result = empty(rows, columns);
  fill(matrix_of(result), 1);
  return result;
}

inline Tensor on_host(const Tensor& source) { return copied(source.view(), Place::host); }

/// Largest difference between a matrix on the GPU and what it should be.
inline double difference(const Tensor& found, const reference::Matrix& expected) {
  const Tensor host = on_host(found);
  return max_difference(matrix_of(host), expected);
}
inline double difference(const Tensor& found, const Tensor& expected) {
  reference::Matrix exact(expected.shape()[0], expected.elements() / expected.shape()[0]);
  for (std::size_t i = 0; i < exact.values.size(); ++i) exact.values[i] = expected.as<float>()[i];
  return difference(found, exact);
}

/// The values of a matrix after rounding to a type, as doubles.
inline reference::Matrix rounded(const RandomMatrix& source, DType type) { return Converted(source, type).exact; }

class Cuda : public testing::Test {
 protected:
  void SetUp() override {
    try {
      open_device("cuda");
    } catch (const DeviceError& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

}  // namespace e5v::ops::test
