// Any bytes are a LoRA adapter of a small model or ModelError: adapter_config.json, a zero, adapter_model.safetensors.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "model/adapter.h"
#include "scratch.h"

namespace {

e5v::model::ModelConfig small_model() {
  e5v::model::ModelConfig model;
  e5v::model::LlamaConfig& config = model.text;
  config.layers = 2, config.width = 8, config.heads = 2, config.kv_heads = 1, config.head_width = 4;
  config.mlp_width = 16, config.vocabulary = 32;
  e5v::model::ClipConfig& vision = model.vision.emplace();
  vision.layers = 2, vision.width = 8, vision.heads = 2, vision.mlp_width = 16, vision.image_size = 28;
  vision.patch_size = 14;
  return model;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace e5v;
  const auto [config, weights] = fuzz::halves({reinterpret_cast<const char*>(data), size});
  fuzz::put("adapter_config.json", config);
  fuzz::put("adapter_model.safetensors", weights);
  try {
    const model::Adapter adapter = model::Adapter::read(fuzz::scratch(), small_model());
    if (adapter.parts.empty()) std::abort();
    for (const nn::Lora& part : adapter.parts)
      if (part.a_RK.shape()[0] != part.b_NR.shape()[1] || !std::isfinite(part.scale)) std::abort();
  } catch (const Error& error) {
    if (!std::string_view(error.what()).starts_with("[")) std::abort();
  }
  return 0;
}
