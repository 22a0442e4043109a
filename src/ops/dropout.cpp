#include "ops/dropout.h"

#include <cmath>

#include "ops/check.h"
#include "ops/cpu/kernels.h"

namespace e5v::ops {

void dropout(tensor::Matrix x_TD, float probability, const DropoutKey& key, std::span<const std::uint64_t> names_T) {
  check_type("dropout", "x", x_TD.dtype, tensor::DType::f32);
  check_length("dropout", "names", names_T.size(), x_TD.rows);
  require(probability >= 0 && probability < 1, "[dropout] probability {} is not in [0, 1)", probability);
  cpu::dropout(x_TD, static_cast<std::uint32_t>(std::lround(static_cast<double>(probability) * 65536)),
               1 / (1 - probability), key, names_T);
}

}  // namespace e5v::ops
