#include "quantize/scheme.h"

namespace e5v::quantize {

using tensor::WeightFormat;

std::string block_name(std::int64_t block, std::string_view part) {
  return fmt::format("language_model.layers.{}.{}.weight", block, part);
}

ModelScheme choose_scheme(Scheme narrow, Wide wide, const model::LlamaConfig& c) {
  if (narrow.format == WeightFormat::int8) return {narrow};
  const auto divides = [&](std::int64_t group) {
    return c.width % group == 0 && c.mlp_width % group == 0 && c.heads * c.head_width % group == 0;
  };
  if (narrow.format == WeightFormat::nf4) {
    require(divides(8), "[quantize] nf4 of widths {}, {} and {}, expected multiples of 8", c.width, c.mlp_width,
            c.heads * c.head_width);
    return {narrow};
  }
  if (narrow.group == 0) {
    for (const std::int64_t group : {8, 16, 32, 64}) {
      if (divides(group)) narrow.group = group;
    }
  }
  require(narrow.group >= 8 && narrow.group % 8 == 0 && divides(narrow.group),
          "[quantize] groups of {} columns, expected a multiple of 8 that divides {}, {} and {}", narrow.group, c.width,
          c.mlp_width, c.heads * c.head_width);
  return {narrow, wide};
}

}  // namespace e5v::quantize
