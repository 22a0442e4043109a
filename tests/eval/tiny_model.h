#pragma once
#include <string>

#include "e5v/embedder.h"
#include "golden.h"

namespace e5v::test {

/// The tiny random checkpoint, and options that make it quick.
inline std::filesystem::path tiny_model() { return golden("ckpt/tiny-small-f32"); }
inline EmbedderOptions quick(const std::string& prompt = "") {
  EmbedderOptions options;
  options.threads = 1;
  options.max_tiles = 1;
  options.prompt = prompt;
  return options;
}

}  // namespace e5v::test
