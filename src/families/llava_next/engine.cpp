#include "families/llava_next/engine.h"

#include "base/hub_cache.h"
#include "embed/loading.h"
#include "families/llava_next/forward.h"
#include "families/llava_next/prepare.h"
#include "model/unused_tensors.h"

namespace e5v::families {

LlavaNextEngine::LlavaNextEngine(const std::filesystem::path& folder, const LoadOptions& load)
    : folder_(folder),
      config_(model::read_config(folder)),
      checkpoint_(embed::open_checkpoint(folder, load, model::llava_next_names())),
      precision_(embed::choose_precision(load.dtype, embed::stored_weights(checkpoint_), checkpoint_.place())),
      weights_(embed::weights_hash(checkpoint_, config_text(config_), load.adapter)),
      model_(checkpoint_, config_, preparer()->preprocess(), precision_) {
  embed::warn_of_unused(folder, model::unused_tensors(checkpoint_, config_));
  if (load.adapter.empty()) return;
  adapter_ = model::Adapter::read(hub_snapshot(load.adapter), config_);
  adapter_->place_on(checkpoint_.place());
  for (const nn::Lora& part : adapter_->parts) model_.attach(part);
}

void LlavaNextEngine::compute(std::span<const embed::PreparedInput> inputs, tensor::Matrix y_SD,
                              tensor::Arena& arena) const {
  families::compute(model_, inputs, y_SD, arena);
}

std::unique_ptr<embed::Preparer> LlavaNextEngine::make_preparer(const PrepareOptions& options,
                                                                const embed::Preparer* sibling) const {
  return std::unique_ptr<embed::Preparer>(
      new embed::Preparer(make_llava_next_preparer(folder_, config_, options, sibling)));
}

}  // namespace e5v::families
