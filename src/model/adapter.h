#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/hash.h"
#include "model/config.h"
#include "nn/lora.h"

namespace e5v::model {

/// A matrix of the language model that an adapter can be for.
struct AdapterSite {
  std::string name;  ///< "language_model.layers.0.self_attn.q_proj"
  std::int64_t outputs = 0, inputs = 0;
};

/// All of them, in the order of layers, and in each: q, k, v, o, gate, up, down.
std::vector<AdapterSite> adapter_sites(const LlamaConfig& config);

/// A LoRA adapter in PEFT's layout: adapter_config.json and adapter_model.safetensors.
struct Adapter {
  std::vector<nn::Lora> parts;  ///< in the order of adapter_sites()
  std::int64_t rank = 0;
  double alpha = 0, dropout = 0;
  std::vector<std::string> targets;  ///< last parts of the matrices' names
  /// Fingerprint of the weights that it was trained on, if e5v wrote it; else empty.
  std::string base;

  /// Reads an adapter for the language model of a config, whether it was trained on that model alone or as a part of
  /// LLaVA-NeXT. Throws ModelError when files are missing or broken, when a matrix is not one of the model or its
  /// shapes differ (an adapter of another base), and for what is not supported: other methods than LoRA, DoRA, biases,
  /// modules saved whole. rslora is understood, and so are rank_pattern and alpha_pattern: the first key, in the order
  /// of the file, that is as a regular expression a module's name in the file or the end of one.
  static Adapter read(const std::filesystem::path& folder, const LlamaConfig& config);

  /// Moves the matrices.
  void place_on(tensor::Place place);

  /// Adds the bytes of both files to a hash. Throws ModelError when there are none.
  static void add_content(const std::filesystem::path& folder, Hasher& hasher);

  /// Writes both files, each atomically, under the names that PEFT gives to adapters of a causal language model.
  void write(const std::filesystem::path& folder) const;
};

}  // namespace e5v::model
