// Any bytes are either a config whose sizes agree with each other, or an error of the kind that is promised.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "model/config.h"
#include "model/config_clip.h"
#include "model/quantization.h"

namespace {

void expect(bool ok) {
  if (!ok) std::abort();
}

void check(const e5v::model::ModelConfig& config) {
  const auto& text = config.text;
  expect(text.width > 0 && text.layers > 0 && text.mlp_width > 0 && text.vocabulary > 0 && text.max_positions > 0);
  expect(text.heads % text.kv_heads == 0 && text.head_width % 2 == 0);
  expect(text.rms_eps > 0 && text.rope_theta > 0);
  if (!config.vision) return;
  const auto& vision = *config.vision;
  expect(vision.width % vision.heads == 0 && vision.image_size % vision.patch_size == 0 && vision.norm_eps > 0);
  expect(config.vision_layers_used() >= 0 && config.vision_layers_used() <= vision.layers);
  expect(config.image_token >= 0);
  for (const auto& size : config.grid_pinpoints) {
    expect(size.height > 0 && size.height % vision.image_size == 0 && size.width > 0 &&
           size.width % vision.image_size == 0);
  }
}

void check(const e5v::model::Quantization& quantization) {
  const std::string names[] = {"language_model.model.layers.0.mlp.up_proj",
                               "model.language_model.layers.0.mlp.up_proj"};
  const e5v::model::QuantizedGroup* group = quantization.group_of(names, "Linear");
  if (group == nullptr) return;
  expect(group->weights.bits >= 2 && group->weights.bits <= 8 && !group->weights.dynamic);
  expect(group->weights.span != e5v::model::RoundingArgs::Span::group || group->weights.group > 0);
  expect(group->weights.span != e5v::model::RoundingArgs::Span::block || group->weights.block[0] > 0);
  if (group->inputs) expect(group->inputs->dynamic == (group->inputs->span != e5v::model::RoundingArgs::Span::tensor));
}

void check(const e5v::model::ClipModelConfig& config) {
  expect(config.text.width % config.text.heads == 0 && config.text.layers > 0 && config.text.max_positions > 0);
  expect(config.text.end_token.value_or(0) >= 0 && config.text.end_token.value_or(0) < config.text.vocabulary);
  expect(config.vision.width % config.vision.heads == 0 && config.vision.positions() > 1 && config.projection > 0);
}

template <class Parse>
void check_any(const Parse& parse) {
  try {
    check(parse());
  } catch (const e5v::ModelError&) {
  } catch (const e5v::InvalidInput&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_any([&] { return e5v::model::parse_config(e5v::parse_json(text, "fuzz"), "fuzz"); });
  check_any([&] {
    const e5v::Json json = e5v::parse_json(text, "fuzz");
    return e5v::model::Quantization::from(e5v::model::Fields(json, "fuzz"));
  });
  check_any([&] { return e5v::model::parse_clip_config(e5v::parse_json(text, "fuzz"), "fuzz"); });
  return 0;
}
