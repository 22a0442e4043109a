#include "embed/llava_engine.h"

#include "base/hub_cache.h"
#include "embed/batch.h"
#include "embed/loading.h"
#include "model/unused_tensors.h"

namespace e5v::embed {

LlavaEngine::LlavaEngine(const std::filesystem::path& folder, const EmbedderOptions& options)
    : config_(model::read_config(folder)),
      checkpoint_(open_checkpoint(folder, options)),
      precision_(choose_precision(options.dtype, stored_weights(checkpoint_), checkpoint_.place())),
      preparer_(make_preparer(folder, config_, checkpoint_, precision_, options)),
      model_(checkpoint_, config_, preparer_.preprocess(), precision_) {
  warn_of_unused(folder, model::unused_tensors(checkpoint_, config_));
  if (options.adapter.empty()) return;
  adapter_ = model::Adapter::read(hub_snapshot(options.adapter), config_);
  adapter_->place_on(checkpoint_.place());
  for (const nn::Lora& part : adapter_->parts) model_.attach(part);
}

void LlavaEngine::compute(std::span<const PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena& arena) const {
  embed::compute(model_, inputs, y_SD, arena);
}

}  // namespace e5v::embed
