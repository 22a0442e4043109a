#include "ops/cpu/product.h"

#include <oneapi/dnnl/dnnl.h>

namespace e5v::ops::cpu {

void product(const Factor& a, const Factor& b, float scale, tensor::Matrix c, bool add) {
  if (c.rows == 0 || c.columns == 0) return;
  const auto letter = [](Side side) { return side == Side::plain ? 'N' : 'T'; };
  const dnnl_status_t status =
      dnnl_sgemm(letter(a.side), letter(b.side), c.rows, c.columns, a.columns(), scale, a.matrix.row<float>(0),
                 a.matrix.stride, b.matrix.row<float>(0), b.matrix.stride, add ? 1.0f : 0.0f, c.row<float>(0), c.stride);
  require<DeviceError>(status == dnnl_success, "[product] oneDNN refused [{}, {}] times [{}, {}]: status {}", a.rows(),
                       a.columns(), b.rows(), b.columns(), static_cast<int>(status));
}

}  // namespace e5v::ops::cpu
