#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"

namespace e5v::model {

/// A matrix that may have an adapter.
struct AdapterSite {
  std::string name;  ///< canonical: "language_model.layers.0.self_attn.q_proj"
  std::int64_t outputs = 0, inputs = 0;
  bool computed = true;  ///< false: vectors do not depend on it (LM head, unused layers of the tower)
};

/// The sites of a language model, which training adapts. They are in the order of layers, and in each layer q, k, v, o,
/// gate, up, down.
std::vector<AdapterSite> adapter_sites(const LlamaConfig& config);

/// All sites that are read: first the language model's, then the vision tower's, the projector's and the LM head.
std::vector<AdapterSite> adapter_sites(const ModelConfig& config);

/// A matrix of a numbered layer: 3 and "mlp.up_proj" for "language_model.layers.3.mlp.up_proj" with the prefix
/// "language_model.layers.". Nothing for other names.
struct LayerMatrix {
  std::size_t layer;
  std::string_view matrix;
};
std::optional<LayerMatrix> layer_matrix(std::string_view name, std::string_view prefix);

/// The canonical name of a module in an adapter's file, whatever class PEFT wrapped: LLaVA-NeXT with the names of any
/// generation, a causal language model ("model.layers.0.…"), or one without its head ("layers.0.…").
std::string canonical_module(std::string_view stored);

/// The name of a language model's matrix in PEFT 0.21 with transformers 5: "model.language_model.layers.0.…" inside
/// LLaVA-NeXT, "model.layers.0.…" alone.
std::string peft_module(std::string_view canonical, bool inside_llava);

}  // namespace e5v::model
