#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "model/llama.h"
#include "nn/lora.h"
#include "nn/tape.h"

namespace e5v::train {

/// The trainable LoRA adapters of a language model, their gradients beside them.
class TrainableLora {
 public:
  struct Options {
    std::int64_t rank = 64;
    double alpha = 16;
    /// Last parts of matrices' names.
    std::vector<std::string> targets = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
  };

  /// Adapters that change nothing yet: A random as PEFT draws it (uniform within 1 / sqrt(inputs)), B zero. Throws
  /// InvalidInput when a target matches no matrix.
  TrainableLora(const model::LlamaConfig& config, const Options& options, std::uint64_t seed);

  std::vector<nn::Lora>& adapters() { return adapters_; }
  const std::vector<nn::Lora>& adapters() const { return adapters_; }

  /// From now on the model adds them; this object must outlive it.
  void attach_to(model::Llama& model) const;
  /// Has the tape add to the gradients.
  void watch(nn::Tape& tape) const;

  struct Parameter {
    std::string name;  ///< of the matrix, with ".lora_A" or ".lora_B"
    std::span<float> values, gradient;
  };
  /// All that is trained, in the order of layers, matrices, A before B.
  std::vector<Parameter> parameters() const;
  void clear_gradients() const;

 private:
  std::vector<nn::Lora> adapters_;
  std::vector<tensor::Tensor> gradients_;  // by A and B of each adapter in turn
};

}  // namespace e5v::train
