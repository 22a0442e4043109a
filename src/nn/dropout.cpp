#include "nn/dropout.h"

#include "base/parallel.h"
#include "base/philox.h"

namespace e5v::nn {

void drop(const Dropout& dropout, std::uint32_t place, std::span<const std::uint64_t> row_names_T,
          tensor::Matrix x) {
  require(x.dtype == tensor::DType::f32, "[dropout] x is {}, expected f32", name_of(x.dtype));
  require(static_cast<std::int64_t>(row_names_T.size()) == x.rows, "[dropout] {} names for {} rows",
          row_names_T.size(), x.rows);
  const float kept = 1 / (1 - dropout.probability);
  const auto limit = static_cast<std::uint64_t>(static_cast<double>(dropout.probability) * 0x1p32);
  parallel_for(x.rows, 1, [&](std::int64_t index) {
    const std::uint64_t row = row_names_T[static_cast<std::size_t>(index)];
    float* values = x.row<float>(index);
    for (std::int64_t i = 0; i < x.columns; i += 4) {
      const auto numbers = philox4x32({static_cast<std::uint32_t>(i / 4), place, static_cast<std::uint32_t>(row),
                                       static_cast<std::uint32_t>(row >> 32)},
                                      {dropout.seed, dropout.step});
      for (std::int64_t j = i; j < std::min(i + 4, x.columns); ++j) {
        values[j] = numbers[static_cast<std::size_t>(j - i)] < limit ? 0.0f : values[j] * kept;
      }
    }
  });
}

}  // namespace e5v::nn
