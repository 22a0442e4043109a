#pragma once
#include <filesystem>

#include "quantize/scheme.h"

namespace e5v::quantize {

/// Writes config.json with a quantization_config as compressed-tensors and vLLM read it; for nf4, as transformers reads
/// it for bitsandbytes. The matrices of the language model are quantised; vision tower, projector and LM head are not.
/// `stored` is the type that the weights had. It is written last, because a folder without it is incomplete.
void write_config(const std::filesystem::path& model, const std::filesystem::path& output, const ModelScheme& scheme,
                  tensor::DType stored);

}  // namespace e5v::quantize
