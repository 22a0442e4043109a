#pragma once
#include "families/inspection.h"
#include "image/preprocess.h"
#include "model/config.h"

/// What LLaVA-NeXT and language models alone take.
namespace e5v::families {

ParameterCount count_parameters(const model::ModelConfig& config);

/// Source: the sizes that model/llama.cpp, model/clip_vit.cpp, model/llava_next.cpp and ops/cpu/attention.cpp take.
/// tokenizer_bytes is the size of tokenizer.json.
MemoryEstimate estimate_memory(const model::ModelConfig& config, const image::Preprocess& preprocess,
                               const RunPlan& plan, std::uint64_t tokenizer_bytes);

/// Source: the sizes that the model takes there; see estimate_memory.
DeviceEstimate estimate_device_memory(const model::ModelConfig& config, const image::Preprocess& preprocess,
                                      const RunPlan& plan);

/// Tokens of the image that has most of them under this preprocessing.
std::int64_t largest_image_tokens(const model::ModelConfig& config, const image::Preprocess& preprocess);

}  // namespace e5v::families
