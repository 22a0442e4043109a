#include "quantize/scheme.h"

namespace e5v::quantize {

using tensor::WeightFormat;

std::string block_name(std::int64_t block, std::string_view part) {
  return fmt::format("language_model.layers.{}.{}.weight", block, part);
}

ModelScheme choose_scheme(Scheme most, Wide wide, const model::LlamaConfig& c) {
  if (most.format == WeightFormat::int8) return {most};
  const auto divides = [&](std::int64_t group) {
    return c.width % group == 0 && c.mlp_width % group == 0 && c.heads * c.head_width % group == 0;
  };
  if (most.format == WeightFormat::nf4) {
    require(divides(8), "[quantize] nf4 of widths {}, {} and {}, expected multiples of 8", c.width, c.mlp_width,
            c.heads * c.head_width);
    return {most};
  }
  if (most.group == 0) {
    for (const std::int64_t group : {8, 16, 32, 64}) {
      if (divides(group)) most.group = group;
    }
  }
  require(most.group >= 8 && most.group % 8 == 0 && divides(most.group),
          "[quantize] groups of {} columns, expected a multiple of 8 that divides {}, {} and {}", most.group, c.width,
          c.mlp_width, c.heads * c.head_width);
  return {most, wide};
}

}  // namespace e5v::quantize
