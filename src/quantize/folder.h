#pragma once
#include <filesystem>

#include "quantize/smooth.h"

namespace e5v::quantize {

/// config.json with a quantization_config as compressed-tensors and vLLM read it: the language model's matrices are
/// quantised, vision tower, projector and LM head are not. Written last: a folder without it is not complete.
void write_config(const std::filesystem::path& model, const std::filesystem::path& output, const Scheme& scheme);

}  // namespace e5v::quantize
