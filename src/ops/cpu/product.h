#pragma once
#include "tensor/matrix.h"

namespace e5v::ops::cpu {

enum class Side { plain, transposed };

/// A factor of a product: a matrix, or its transpose.
struct Factor {
  tensor::ConstMatrix matrix;
  Side side;
  std::int64_t rows() const { return side == Side::plain ? matrix.rows : matrix.columns; }
  std::int64_t columns() const { return side == Side::plain ? matrix.columns : matrix.rows; }
};

/// c = scale a b, or += with add. All f32; shapes must fit. Throws DeviceError when oneDNN refuses.
void product(const Factor& a, const Factor& b, float scale, tensor::Matrix c, bool add);

/// c = a b, or += with add, for a and b of bf16 and c of f32. If all three are dense, sums have a fixed order, whatever
/// the number of threads. Throws DeviceError when this CPU has no fast kernel for it.
void product_bf16(tensor::ConstMatrix a, const Factor& b, tensor::Matrix c, bool add);

/// c += a^T b, likewise, for dense b and c.
void product_bf16_transposed(tensor::ConstMatrix a, tensor::ConstMatrix b, tensor::Matrix c);

}  // namespace e5v::ops::cpu
