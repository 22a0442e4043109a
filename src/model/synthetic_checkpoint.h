#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/json.h"
#include "model/synthetic.h"
#include "tensor/dtype.h"

/// Folders of random checkpoints with all files of a checkpoint from the hub.
namespace e5v::model {

/// The config.json for a name: "e5-v" (LLaVA-NeXT over Llama-3-8B, like E5-V), "tiny" (the same in miniature), or the
/// path of a file. `layers` replaces the number of language layers; `dtype` becomes the type of the weights. Throws
/// InvalidInput, which lists the names, for another name, and ModelError when the config cannot be read.
Json synthetic_config(const std::string& name, std::optional<std::int64_t> layers, tensor::DType dtype);

/// A random checkpoint, and functions that follow its progress.
struct SyntheticCheckpoint {
  Json config;  ///< from synthetic_config()
  tensor::DType dtype = tensor::DType::bf16;
  std::uint64_t seed = 0;
  WeightScheme scheme = WeightScheme::noise;
  std::optional<std::filesystem::path> tokenizer =
      std::nullopt;                           ///< a tokenizer.json to copy; none: text::synthetic_tokenizer_json
  std::uint64_t shard_bytes = 5'000'000'000;  ///< maximum size of a file, as in transformers
  std::function<void()> check_stop = [] {};   ///< throws when the writing shall stop
  std::function<void(std::uint64_t bytes)> advanced = [](std::uint64_t) {};

  /// The bytes of all tensors.
  std::uint64_t bytes() const;

  /// Writes config.json, safetensors (with an index when there are several), preprocessor_config.json and
  /// tokenizer.json. It needs little memory whatever the size. Everything is written to FOLDER.partial, which is
  /// removed after an exception, and is moved when it is complete, config.json last. A checkpoint in `folder` is
  /// replaced; its other files stay. Throws InvalidInput when there is not enough space (before anything is written),
  /// the tokenizer does not fit, FOLDER.partial exists, or writing fails.
  void write(const std::filesystem::path& folder) const;
};

/// FOLDER.partial, which holds a checkpoint until it is complete.
std::filesystem::path partial_folder(const std::filesystem::path& folder);

/// Throws InvalidInput when `available` bytes are less than `needed` plus a margin for the small files.
void check_space(std::uint64_t needed, std::uint64_t available, const std::filesystem::path& folder);

}  // namespace e5v::model
