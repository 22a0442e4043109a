#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "e5v/embedder.h"
#include "inspect/memory.h"
#include "model/checkpoint.h"
#include "text/prompt.h"

namespace e5v::inspect {

/// What can be said of a model folder and how it would run here, without loading it.
struct ModelInfo {
  std::filesystem::path folder;
  std::string architecture;                                 ///< "LLaVA-NeXT over Llama"
  std::vector<std::pair<std::string, std::string>> towers;  ///< label and sizes of each part, for people
  Json parts;                                               ///< the same for programs: an object for each part
  std::int64_t width = 0;                                   ///< numbers per vector
  text::ChatStyle chat_style = text::ChatStyle::llama3;
  std::string generation;       ///< of the tensors' names: "transformers <= 4.51", ...
  std::size_t files = 0;        ///< that hold weights
  std::uint64_t bytes = 0;      ///< of all tensors
  std::int64_t parameters = 0;  ///< in all tensors, unused ones included
  ParameterCount used;
  embed::StoredWeights stored;
  std::vector<std::string> unused;  ///< tensors outside the model, as the files name them
  nn::Precision precision = nn::Precision::f32;
  bool precision_was_asked_for = false;
  std::string instruction_set;
  bool native_bf16 = false;
  int vector_bits = 0;
  std::string kernel;             ///< behind the GEMMs
  std::int64_t context = 0;       ///< most tokens of an input
  std::int64_t image_tokens = 0;  ///< most tokens of an image; 0 when it takes none
  MemoryEstimate memory;
  tensor::Place place = tensor::Place::host;  ///< where it would run
  std::string device;                         ///< "cpu", or the GPU's name
  DeviceEstimate device_memory;               ///< on a GPU
  std::uint64_t device_memory_available = 0;
  std::uint64_t memory_available = 0;
  Fingerprint fingerprint;  ///< under the default text prompt

  /// Why the precision is what it is, in a few words.
  std::string precision_reason() const;
};

/// Opens the folder, checks config, tensor shapes' presence, tokenizer and preprocessing against each other. Throws
/// ModelError.
ModelInfo inspect(const std::filesystem::path& folder, const EmbedderOptions& options);

/// What inspect() says of the models that are not the same, by what the folder holds. info has folder, stored and
/// precision already. Throws ModelError.
void inspect_llava(ModelInfo& info, const model::Checkpoint& checkpoint, const EmbedderOptions& options);
void inspect_clip(ModelInfo& info, const model::Checkpoint& checkpoint, const EmbedderOptions& options);

/// Label and value of each line that `e5v info` shows.
std::vector<std::pair<std::string, std::string>> describe(const ModelInfo& info);

/// The same for programs; numbers as numbers.
Json to_json(const ModelInfo& info);

/// "bf16", or "int8 beside bf16".
std::string storage_text(const embed::StoredWeights& stored);

/// "15.4 GiB", "312 KiB".
std::string bytes_text(std::uint64_t bytes);

/// "llama3", "mistral", "phi3", "plain".
std::string_view name_of(text::ChatStyle style);

}  // namespace e5v::inspect
