#pragma once
#include <cstdint>
#include <string>

#include "ops/product_rows.h"
#include "tensor/matrix.h"

namespace e5v::ops {

/// Element types around a product with a weight.
struct ProductTypes {
  tensor::DType input = tensor::DType::f32;    ///< of x
  tensor::DType product = tensor::DType::f32;  ///< of gradients and of adapters' inputs in products beside it
  tensor::DType result = tensor::DType::f32;   ///< that suits y where an operation reads it that rounds again
};

/// One product: y = x W^T + bias, or y += x W^T + bias with accumulate.
struct WeightProduct {
  tensor::ConstMatrix x_MK;
  FineRows fine;                ///< rows of x whose rounding counts most
  Fp8Rows rounded;              ///< of x, where they have been made; a form that takes none gets none
  const float* bias = nullptr;  ///< [N], where the weight lies, or null
  tensor::Matrix y_MN;
  bool accumulate = false;
};

/// A weight matrix as one kernel multiplies it: one class for each stored form and arithmetic, chosen once, when the
/// Weight is made. Arguments of products have been checked by the functions in matmul.h.
class WeightForm {
 public:
  WeightForm() = default;
  WeightForm(const WeightForm&) = delete;
  WeightForm& operator=(const WeightForm&) = delete;
  virtual ~WeightForm() = default;

  virtual void multiply(const WeightProduct& product) const = 0;
  /// dx += dy W.
  virtual void multiply_backward(tensor::ConstMatrix dy_MN, tensor::Matrix dx_MK) const = 0;
  /// The library's name of the kernel.
  virtual std::string kernel() const = 0;
  virtual ProductTypes types() const = 0;
  virtual tensor::Place place() const = 0;
  /// Whether products are of 8-bit floats, and so take x as Fp8Rows.
  virtual bool fp8() const { return false; }
};

}  // namespace e5v::ops
