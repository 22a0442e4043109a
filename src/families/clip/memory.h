#pragma once
#include "families/inspection.h"
#include "model/config_clip.h"

/// What CLIP takes. Source: the sizes that model/clip*.cpp take.
namespace e5v::families {

ParameterCount count_parameters(const model::ClipModelConfig& config);

/// tokenizer_bytes is the size of tokenizer.json.
MemoryEstimate estimate_memory(const model::ClipModelConfig& config, const RunPlan& plan,
                               std::uint64_t tokenizer_bytes);
DeviceEstimate estimate_device_memory(const model::ClipModelConfig& config, const RunPlan& plan);

}  // namespace e5v::families
