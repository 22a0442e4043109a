#pragma once
#include "families/inspection.h"
#include "model/config_clip.h"

/// The memory that CLIP takes. Source: the sizes in model/clip*.cpp.
namespace e5v::families {

ParameterCount count_parameters(const model::ClipModelConfig& config);

/// tokenizer_bytes is the size of tokenizer.json.
MemoryEstimate estimate_memory(const model::ClipModelConfig& config, const RunPlan& plan,
                               std::uint64_t tokenizer_bytes);
DeviceEstimate estimate_device_memory(const model::ClipModelConfig& config, const RunPlan& plan);

}  // namespace e5v::families
