#pragma once
#include <cstddef>
#include <memory>
#include <span>

#include "base/error.h"
#include "tensor/device.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace e5v::tensor {

/// A borrowed, contiguous, read-only tensor. Its maker keeps the memory alive.
struct TensorView {
  const std::byte* data = nullptr;
  DType dtype = DType::f32;
  Shape shape;
  Place place = Place::host;

  std::int64_t elements() const { return shape.elements(); }
  std::span<const std::byte> bytes() const { return {data, static_cast<std::size_t>(elements() * size_of(dtype))}; }
  /// The elements as T. Throws InvalidInput when the dtype is another one.
  template <class T>
  std::span<const T> as() const {
    require(dtype == dtype_of<T>, "[tensor] expected {}, found {}", name_of(dtype_of<T>), name_of(dtype));
    return {reinterpret_cast<const T*>(data), static_cast<std::size_t>(elements())};
  }
};

/// Uninitialised memory, aligned to a cache line and freed with the object.
class Buffer {
 public:
  Buffer() = default;
  /// Throws DeviceError, which names the size, when memory is short.
  explicit Buffer(std::size_t bytes, Place place = Place::host);
  std::byte* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  Place place() const { return data_.get_deleter().place; }

 private:
  struct Free {
    Free() : place(Place::host), bytes(0) {}
    Free(Place of, std::size_t size) : place(of), bytes(size) {}
    Place place;
    std::size_t bytes;
    void operator()(std::byte* data) const;
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0;
};

/// A contiguous tensor that owns its memory. Its contents are undefined at first.
class Tensor {
 public:
  Tensor() = default;
  Tensor(DType dtype, const Shape& shape, Place place = Place::host);

  /// Copies host values. Their number must be that of the shape's elements.
  template <class T>
  static Tensor from(std::span<const T> values, const Shape& shape) {
    require(static_cast<std::int64_t>(values.size()) == shape.elements(), "[tensor] {} values for shape {}",
            values.size(), shape.text());
    Tensor tensor(dtype_of<T>, shape);
    std::copy(values.begin(), values.end(), tensor.as<T>().begin());
    return tensor;
  }

  DType dtype() const { return dtype_; }
  Place place() const { return buffer_.place(); }
  const Shape& shape() const { return shape_; }
  std::int64_t elements() const { return shape_.elements(); }
  std::byte* data() const { return buffer_.data(); }
  TensorView view() const { return {buffer_.data(), dtype_, shape_, place()}; }
  template <class T>
  std::span<T> as() const {
    require(dtype_ == dtype_of<T>, "[tensor] expected {}, found {}", name_of(dtype_of<T>), name_of(dtype_));
    return {reinterpret_cast<T*>(buffer_.data()), static_cast<std::size_t>(elements())};
  }

 private:
  DType dtype_ = DType::f32;
  Shape shape_;
  Buffer buffer_;
};

/// A copy in the memory of `place`.
Tensor copied(const TensorView& source, Place place);

/// The values as f32 on the host, from any floating type. Throws InvalidInput for other types.
Tensor to_f32(const TensorView& source);

/// True when no element is NaN or infinite. Integers are always finite.
bool all_finite(const TensorView& source);

}  // namespace e5v::tensor
