#pragma once
#include "families/inspection.h"
#include "image/preprocess.h"
#include "model/config.h"

/// The memory that LLaVA-NeXT and its language models take.
namespace e5v::families {

ParameterCount count_parameters(const model::ModelConfig& config);

/// Source: the sizes in model/llama.cpp, model/clip_vit.cpp, model/llava_next.cpp and ops/cpu/attention.cpp.
/// tokenizer_bytes is the size of tokenizer.json.
MemoryEstimate estimate_memory(const model::ModelConfig& config, const image::Preprocess& preprocess,
                               const RunPlan& plan, std::uint64_t tokenizer_bytes);

/// Source: the sizes of the model on a GPU; see estimate_memory.
DeviceEstimate estimate_device_memory(const model::ModelConfig& config, const image::Preprocess& preprocess,
                                      const RunPlan& plan);

/// The maximum number of tokens of an image under this preprocessing.
std::int64_t largest_image_tokens(const model::ModelConfig& config, const image::Preprocess& preprocess);

}  // namespace e5v::families
