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

  std::int64_t rank = 0;  ///< 0: kDefaultRank, or the smallest side of a matrix if that is smaller
  double alpha = 16;
  double dropout = 0.05;
  /// The last parts of the matrices' names.
  std::vector<std::string> targets = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
};

/// The trainable LoRA adapters of a language model, and their gradients.
class TrainableLora {
 public:
  /// Adapters that do not change the model yet: A is random as in PEFT (uniform within 1 / sqrt(inputs)), B is zero.
  /// Throws InvalidInput when a target matches no matrix, or when the rank exceeds a side of one.
  TrainableLora(const model::LlamaConfig& config, const LoraOptions& options, std::uint64_t seed,
                tensor::Place place = tensor::Place::host);

  /// The model adds these adapters from this call on. This object must outlive it.
  void attach_to(model::Llama& model) const;
  /// Registers the gradients with the tape, which adds to them.
  void watch(nn::Tape& tape) const;
  /// All trained matrices, named "<matrix>.lora_A", in the order of layers and matrices, A before B.
  std::vector<Parameter> parameters() const;

  /// The adapter in the form of PEFT's files. Set `base` and `inside_llava` before it is written.
  model::Adapter& adapter() { return adapter_; }
  const model::Adapter& adapter() const { return adapter_; }

 private:
  model::Adapter adapter_;
  std::vector<tensor::Tensor> gradients_;  // of A and of B for each part
};

}  // namespace e5v::train
