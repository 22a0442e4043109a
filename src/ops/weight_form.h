#pragma once
#include <cstdint>
#include <string>

#include "ops/product_rows.h"
#include "tensor/matrix.h"

namespace e5v::ops {

/// Element types of a product with a weight.
struct ProductTypes {
  tensor::DType input = tensor::DType::f32;    ///< of x
  tensor::DType product = tensor::DType::f32;  ///< of gradients and of adapters' inputs in related products
  tensor::DType result = tensor::DType::f32;   ///< of y when the next operation rounds it again
};

/// One product: y = x W^T + bias, or y += x W^T + bias with accumulate.
struct WeightProduct {
  tensor::ConstMatrix x_MK;
  FineRows fine;                ///< rows of x that need the most precision
  Fp8Rows rounded;              ///< rounded rows of x, if there are any; only for forms that take them
  const float* bias = nullptr;  ///< [N], in the weight's memory, or null
  tensor::Matrix y_MN;
  bool accumulate = false;
};

/// A weight matrix in the form of one kernel. There is a class for each stored form and arithmetic, which is chosen
/// once, when the Weight is made. The functions in matmul.h have checked the arguments of products.
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
  /// Whether products use 8-bit floats, and so take x as Fp8Rows.
  virtual bool fp8() const { return false; }
};

}  // namespace e5v::ops
