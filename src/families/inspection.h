#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "e5v/embedder.h"
#include "embed/stored_weights.h"
#include "families/memory.h"
#include "model/checkpoint.h"
#include "nn/precision.h"
#include "text/prompt.h"

namespace e5v::families {

/// What a model is and what it will need, as its family knows it.
struct Description {
  std::string architecture;                                 ///< "LLaVA-NeXT over Llama"
  std::vector<std::pair<std::string, std::string>> towers;  ///< label and sizes of each part, for people
  Json parts;                                               ///< the same for programs: an object for each part
  std::int64_t width = 0;                                   ///< numbers per vector
  text::ChatStyle chat_style = text::ChatStyle::llama3;
  ParameterCount used;
  std::vector<std::string> unused;  ///< tensors outside the model, as the files name them
  std::string kernel;               ///< that the GEMMs run on
  std::int64_t context = 0;         ///< most tokens of an input
  std::int64_t image_tokens = 0;    ///< most tokens of an image; 0 when it takes none, or one of a fixed size
  MemoryEstimate memory;
  DeviceEstimate device_memory;  ///< on a GPU
  Fingerprint fingerprint;       ///< under the default text prompt, of normalised vectors unless the run says otherwise
};

/// How a folder would be run: what a description depends on beside the folder.
struct RunPlan {
  nn::Precision precision = nn::Precision::f32;
  embed::StoredWeights stored;
  RunOptions run;
};

/// A model folder, looked at without loading it: for `e5v info` and the doctor. The doctor's answers are a few words
/// each; what is wrong is thrown as ModelError.
class Inspection {
 public:
  Inspection() = default;
  Inspection(const Inspection&) = delete;
  Inspection& operator=(const Inspection&) = delete;
  virtual ~Inspection() = default;

  /// Whether it takes images.
  virtual bool sees() const = 0;
  /// The sizes that config.json tells.
  virtual std::string config() const = 0;
  /// The shapes of all tensors, against the config.
  virtual std::string tensors(const model::Checkpoint& checkpoint) const = 0;
  virtual std::string tokenizer() const = 0;
  virtual std::string preprocess() const = 0;

  /// The checkpoint is the folder's, on the place where it would run.
  virtual Description describe(const model::Checkpoint& checkpoint, const RunPlan& plan) const = 0;
};

/// "; not used: ...", or nothing without such tensors.
std::string unused_text(const std::vector<std::string>& names);

}  // namespace e5v::families
