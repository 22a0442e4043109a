#include "ops/dots.h"

#include "base/parallel.h"
#include "ops/check.h"
#include "ops/cpu/kernels.h"

namespace e5v::ops {

void dots(tensor::ConstMatrix a_MK, tensor::ConstMatrix b_NK, std::span<const RowPair> pairs, std::span<double> dots) {
  check_type("dots", "a", a_MK.dtype, tensor::DType::f32);
  check_gradient("dots", "b", b_NK, b_NK.rows, a_MK.columns);
  check_length("dots", "dots", dots.size(), static_cast<std::int64_t>(pairs.size()));
  for (const RowPair& pair : pairs)
    require(pair.a >= 0 && pair.a < a_MK.rows && pair.b >= 0 && pair.b < b_NK.rows,
            "[dots] rows {} and {} of {} and {}", pair.a, pair.b, a_MK.rows, b_NK.rows);
  constexpr std::int64_t kGrain = 64;
  parallel_for(static_cast<std::int64_t>(pairs.size()), kGrain, [&](std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    dots[i] =
        cpu::dot(a_MK.row<float>(pairs[i].a), b_NK.row<float>(pairs[i].b), static_cast<std::size_t>(a_MK.columns));
  });
}

}  // namespace e5v::ops
