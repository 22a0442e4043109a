#pragma once
#include "model/config.h"

namespace e5v::families::test {

/// A language model small enough to count by hand: two layers of width 8, two heads of 4, an MLP of 16.
inline model::ModelConfig small_config() {
  model::ModelConfig config;
  config.text.vocabulary = 100;
  config.text.width = 8;
  config.text.layers = 2;
  config.text.heads = config.text.kv_heads = 2;
  config.text.head_width = 4;
  config.text.mlp_width = 16;
  config.text.max_positions = 64;
  return config;
}

}  // namespace e5v::families::test
