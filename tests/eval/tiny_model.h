#pragma once
#include <string>

#include "api/model.h"
#include "e5v/embedder.h"
#include "eval/encoder.h"
#include "golden.h"

namespace e5v::test {

/// The tiny random checkpoint, and options that make it quick.
inline std::filesystem::path tiny_model() { return golden("ckpt/tiny-small-f32"); }
inline ModelOptions quick(const std::string& prompt = "") {
  ModelOptions options;
  options.threads = 1;
  options.max_tiles = 1;
  options.prompt = prompt;
  return options;
}

/// The same for an encoder.
inline eval::Encoder::Options encoder_options(const ModelOptions& options = quick()) {
  return {options, options, options.token_budget};
}

}  // namespace e5v::test
