#include "ops/dropout.h"

#include <cmath>

#include "ops/backend.h"
#include "ops/check.h"
#include "ops/cpu/kernels.h"

namespace e5v::ops {

void dropout(tensor::ConstMatrix x_TD, float probability, const DropoutKey& key, std::span<const std::uint64_t> names_T,
             tensor::Matrix y_TD, bool add) {
  check_activation_type("dropout", "x", x_TD.dtype);
  check_activation_type("dropout", "y", y_TD.dtype);
  check_shape("dropout", "y", y_TD, x_TD.rows, x_TD.columns);
  if (add) check_type("dropout", "y that is added to", y_TD.dtype, tensor::DType::f32);
  check_length("dropout", "names", names_T.size(), x_TD.rows);
  require(probability >= 0 && probability < 1, "[dropout] probability {} is not in [0, 1)", probability);
  const auto limit = static_cast<std::uint32_t>(std::lround(static_cast<double>(probability) * 65536));
  const DropoutRule rule{limit, 1 / (1 - probability), key};
  if (on_device(y_TD)) return backend().dropout(x_TD, rule, names_T, y_TD, add);
  cpu::dropout(x_TD, rule, names_T, y_TD, add);
}

}  // namespace e5v::ops
