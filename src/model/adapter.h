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
  std::vector<std::string> targets;  ///< the last parts of the matrices' names
  /// The fingerprint of the weights that it was trained on, if e5v wrote the adapter; otherwise empty.
  std::string base;
  /// Whether it was trained inside LLaVA-NeXT, not on a language model alone.
  bool inside_llava = false;

  /// Reads an adapter for a model. It may have been trained on the whole model or on the language model alone, and have
  /// the names of any generation. A part of the model (language model, tower, projector) without matrices in the file
  /// stays as it is. Throws ModelError when
  ///   files are missing or broken,
  ///   a matrix is not one of the model, has another shape (it belongs to another base) or is not finite,
  ///   the config names other matrices than the file has (AdapterTargets), or
  ///   PEFT computes something else than W x + scale B A x for it (require_plain_lora).
  static Adapter read(const std::filesystem::path& folder, const ModelConfig& config);

  /// Moves the matrices to another memory.
  void place_on(tensor::Place place);

  /// Adds the bytes of both files to a hash. Throws ModelError when a file is missing.
  static void add_content(const std::filesystem::path& folder, Hasher& hasher);

  /// Writes both files, each atomically. They equal those that PEFT 0.21 writes for the same matrices of
  /// LlavaNextForConditionalGeneration or of a causal language model, so PEFT can open them. Only for adapters of the
  /// language model's matrices.
  void write(const std::filesystem::path& folder) const;
};

}  // namespace e5v::model
