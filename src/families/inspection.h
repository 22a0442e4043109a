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

/// The parts of a model and what it will need, which its family knows.
struct Description {
  std::string architecture;                                 ///< "LLaVA-NeXT over Llama"
  std::vector<std::pair<std::string, std::string>> towers;  ///< label and sizes of each part, for people
  Json parts;                                               ///< the same for programs: an object for each part
  std::int64_t width = 0;                                   ///< width of the vectors
  text::ChatStyle chat_style = text::ChatStyle::llama3;
  ParameterCount used;
  std::vector<std::string> unused;  ///< tensors outside the model, as the files name them
  std::string kernel;               ///< the kernel of the GEMMs
  std::int64_t context = 0;         ///< maximum tokens of an input
  std::int64_t image_tokens = 0;    ///< maximum tokens of an image; 0 without images, or when all images have one size
  MemoryEstimate memory;
  DeviceEstimate device_memory;  ///< on a GPU
  Fingerprint fingerprint;       ///< with the default text prompt; vectors are normalised unless the run says otherwise
};

/// How a folder would be run. A description depends on the folder and on this.
struct RunPlan {
  nn::Precision precision = nn::Precision::f32;
  embed::StoredWeights stored;
  RunOptions run;
};

/// A model folder that is inspected without loading it, for `e5v info` and the doctor. The results for the doctor have
/// a few words each. Faults are thrown as ModelError.
class Inspection {
 public:
  Inspection() = default;
  Inspection(const Inspection&) = delete;
  Inspection& operator=(const Inspection&) = delete;
  virtual ~Inspection() = default;

  /// Whether it takes images.
  virtual bool sees() const = 0;
  /// The sizes in config.json.
  virtual std::string config() const = 0;
  /// The shapes of all tensors, checked against the config.
  virtual std::string tensors(const model::Checkpoint& checkpoint) const = 0;
  virtual std::string tokenizer() const = 0;
  virtual std::string preprocess() const = 0;

  /// The checkpoint must be that of the folder, in the memory where it would run.
  virtual Description describe(const model::Checkpoint& checkpoint, const RunPlan& plan) const = 0;
};

/// "; not used: ...", or nothing without such tensors.
std::string unused_text(const std::vector<std::string>& names);

}  // namespace e5v::families
