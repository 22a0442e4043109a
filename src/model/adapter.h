#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/hash.h"
#include "model/adapter_sites.h"
#include "nn/lora.h"

namespace e5v::model {

/// A LoRA adapter in PEFT's layout: adapter_config.json and adapter_model.safetensors.
struct Adapter {
  std::vector<nn::Lora> parts;  ///< in the order of adapter_sites()
  std::int64_t rank = 0;
  double alpha = 0, dropout = 0;
  std::vector<std::string> targets;  ///< last parts of the matrices' names
  /// Fingerprint of the weights that it was trained on, if e5v wrote it; else empty.
  std::string base;
  /// Whether its model was LLaVA-NeXT, and not a language model alone.
  bool inside_llava = false;

  /// Reads an adapter for a model, whether it was trained on all of it or on the language model alone, under the names
  /// of any generation. Throws ModelError when files are missing or broken; when a matrix is not one of the model, or
  /// its shapes differ (an adapter of another base), or it is not finite; when the config names other matrices than the
  /// file has (AdapterTargets); and for all with which PEFT computes something else than W x + scale B A x
  /// (require_plain_lora). A part of the model (language model, tower, projector) of which the file has nothing stays
  /// as it is.
  static Adapter read(const std::filesystem::path& folder, const ModelConfig& config);

  /// Moves the matrices.
  void place_on(tensor::Place place);

  /// Adds the bytes of both files to a hash. Throws ModelError when there are none.
  static void add_content(const std::filesystem::path& folder, Hasher& hasher);

  /// Writes both files, each atomically, as PEFT 0.21 does for the same matrices of LlavaNextForConditionalGeneration
  /// or of a causal language model, so that PEFT opens it on that. For adapters of the language model's matrices.
  void write(const std::filesystem::path& folder) const;
};

}  // namespace e5v::model
