#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "e5v/embedder.h"
#include "families/inspection.h"

namespace e5v::inspect {

/// What can be said of a model folder and how it would run here, without loading it.
struct ModelInfo : families::Description {
  std::filesystem::path folder;
  std::string generation;       ///< of the tensors' names: "transformers <= 4.51", ...
  std::size_t files = 0;        ///< that hold weights
  std::uint64_t bytes = 0;      ///< of all tensors
  std::int64_t parameters = 0;  ///< in all tensors, unused ones included
  embed::StoredWeights stored;
  nn::Precision precision = nn::Precision::f32;
  bool precision_was_asked_for = false;
  std::string instruction_set;
  bool native_bf16 = false;
  int vector_bits = 0;
  tensor::Place place = tensor::Place::host;  ///< where it would run
  std::string device;                         ///< "cpu", or the GPU's name
  std::uint64_t device_memory_available = 0;
  std::uint64_t memory_available = 0;

  /// Why the precision is what it is, in a few words.
  std::string precision_reason() const;
};

/// Opens the folder, checks config, tensor shapes' presence, tokenizer and preprocessing against each other. Throws
/// ModelError.
ModelInfo inspect(const std::filesystem::path& folder, const LoadOptions& load, const PrepareOptions& prepare = {},
                  const RunOptions& run = {});

/// Label and value of each line that `e5v info` shows.
std::vector<std::pair<std::string, std::string>> describe(const ModelInfo& info);

/// The same for programs; numbers as numbers.
Json to_json(const ModelInfo& info);

/// "bf16", or "int8 beside bf16".
std::string storage_text(const embed::StoredWeights& stored);

/// "15.4 GiB", "312 KiB".
std::string bytes_text(std::uint64_t bytes);

}  // namespace e5v::inspect
