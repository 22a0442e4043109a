#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "model/adapter.h"
#include "model/llama.h"
#include "nn/tape.h"
#include "train/parameter.h"

namespace e5v::train {

struct LoraOptions {
  static constexpr std::int64_t kDefaultRank = 64;

  std::int64_t rank = 0;  ///< 0: kDefaultRank, or the smallest side of a matrix where that is less
  double alpha = 16;
  double dropout = 0.05;
  /// Last parts of matrices' names.
  std::vector<std::string> targets = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
};

/// The trainable LoRA adapters of a language model, their gradients beside them.
class TrainableLora {
 public:
  /// Adapters that change nothing yet: A random as PEFT draws it (uniform within 1 / sqrt(inputs)), B zero. Throws
  /// InvalidInput when a target matches no matrix, or a rank is above the sides of one.
  TrainableLora(const model::LlamaConfig& config, const LoraOptions& options, std::uint64_t seed,
                tensor::Place place = tensor::Place::host);

  /// From now on the model adds them; this object must outlive it.
  void attach_to(model::Llama& model) const;
  /// Has the tape add to the gradients.
  void watch(nn::Tape& tape) const;
  /// All that is trained, in the order of layers, matrices, A before B: "<matrix>.lora_A".
  std::vector<Parameter> parameters() const;

  /// As PEFT's files have them; `base` and `inside_llava` may be set before it is written.
  model::Adapter& adapter() { return adapter_; }
  const model::Adapter& adapter() const { return adapter_; }

 private:
  model::Adapter adapter_;
  std::vector<tensor::Tensor> gradients_;  // by A and B of each part in turn
};

}  // namespace e5v::train
