#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/json.h"
#include "model/synthetic.h"
#include "tensor/dtype.h"

/// Folders of random checkpoints, as complete as one from the hub.
namespace e5v::model {

/// The config.json that `name` stands for: "e5-v" (LLaVA-NeXT over Llama-3-8B, as E5-V), "tiny" (the same in
/// miniature), or a file. `layers` replaces the number of language layers; `dtype` is what the file says of its
/// weights. Throws InvalidInput, listing the names, when it is neither; ModelError when the reader does not take it.
Json synthetic_config(const std::string& name, std::optional<std::int64_t> layers, tensor::DType dtype);

/// What a random checkpoint is to be, and who wants to know of its progress.
struct SyntheticCheckpoint {
  Json config;  ///< of synthetic_config()
  tensor::DType dtype = tensor::DType::bf16;
  std::uint64_t seed = 0;
  WeightScheme scheme = WeightScheme::noise;
  std::optional<std::filesystem::path> tokenizer =
      std::nullopt;                           ///< a tokenizer.json to copy; none: text::synthetic_tokenizer_json
  std::uint64_t shard_bytes = 5'000'000'000;  ///< most in one file, as transformers
  std::function<void()> check_stop = [] {};   ///< throws when the writing is to stop
  std::function<void(std::uint64_t bytes)> advanced = [](std::uint64_t) {};

  /// Bytes of all tensors.
  std::uint64_t bytes() const;

  /// Writes config.json, safetensors (with an index when they are several), preprocessor_config.json and
  /// tokenizer.json, in little memory whatever the size. All is written to FOLDER.partial, which goes with an
  /// exception, and moved when it is complete, config.json last. A checkpoint that `folder` held is replaced; other
  /// files in it stay. Throws InvalidInput: not enough space (before anything is written), a tokenizer that does not
  /// fit, FOLDER.partial exists, or writing fails.
  void write(const std::filesystem::path& folder) const;
};

/// FOLDER.partial, where a checkpoint stands until it is complete.
std::filesystem::path partial_folder(const std::filesystem::path& folder);

/// Throws InvalidInput when `available` bytes are less than `needed` and a margin for the small files.
void check_space(std::uint64_t needed, std::uint64_t available, const std::filesystem::path& folder);

}  // namespace e5v::model
