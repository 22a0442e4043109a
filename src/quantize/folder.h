#pragma once
#include <filesystem>

#include "quantize/scheme.h"

namespace e5v::quantize {

/// config.json with a quantization_config as compressed-tensors and vLLM read it, for nf4 as transformers does for
/// bitsandbytes: the language model's matrices are quantised, vision tower, projector and LM head are not. `stored` is
/// the type that the weights had. Written last: a folder without it is not complete.
void write_config(const std::filesystem::path& model, const std::filesystem::path& output, const ModelScheme& scheme,
                  tensor::DType stored);

}  // namespace e5v::quantize
