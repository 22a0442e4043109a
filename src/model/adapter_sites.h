#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"

namespace e5v::model {

/// A matrix that an adapter can be for.
struct AdapterSite {
  std::string name;  ///< canonical: "language_model.layers.0.self_attn.q_proj"
  std::int64_t outputs = 0, inputs = 0;
  bool computed = true;  ///< false: vectors do not depend on it (the LM head, layers of the tower that are not used)
};

/// Those of a language model, which training adapts, in the order of layers, and in each: q, k, v, o, gate, up, down.
std::vector<AdapterSite> adapter_sites(const LlamaConfig& config);

/// All that are read: first those of the language model, then the vision tower's, the projector's and the LM head.
std::vector<AdapterSite> adapter_sites(const ModelConfig& config);

/// A matrix of a numbered layer: 3 and "mlp.up_proj" of "language_model.layers.3.mlp.up_proj" behind the prefix
/// "language_model.layers.". Nothing for other names.
struct LayerMatrix {
  std::size_t layer;
  std::string_view matrix;
};
std::optional<LayerMatrix> layer_matrix(std::string_view name, std::string_view prefix);

/// The canonical name of a module that an adapter's file names, whichever class PEFT saw: LLaVA-NeXT under the names of
/// any generation, a causal language model ("model.layers.0.…"), or one without its head ("layers.0.…").
std::string canonical_module(std::string_view stored);

/// The name that PEFT 0.21 with transformers 5 gives to a matrix of the language model: inside LLaVA-NeXT
/// "model.language_model.layers.0.…", alone "model.layers.0.…".
std::string peft_module(std::string_view canonical, bool inside_llava);

}  // namespace e5v::model
