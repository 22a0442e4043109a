#pragma once
#include <map>
#include <string>
#include <vector>

#include "model/checkpoint.h"
#include "quantize/scheme.h"
#include "tensor/safetensors_writer.h"

namespace e5v::quantize {

/// The tensors of the output in the order in which they are written: first those that stay unchanged, then the norms,
/// scales and integers of each block.
class Plan {
 public:
  Plan(const model::Checkpoint& checkpoint, const model::LlamaConfig& config, const ModelScheme& scheme);

  const std::vector<model::Checkpoint::Stored>& unchanged() const { return unchanged_; }
  const std::vector<tensor::TensorSpec>& specs() const { return specs_; }
  /// A matrix or norm of a block in the checkpoint.
  const model::Checkpoint::Stored& tensor(std::int64_t block, std::string_view part) const {
    return by_canonical_.at(block_name(block, part));
  }

 private:
  void add_block(std::int64_t block, const ModelScheme& scheme);
  void add_nf4(const std::string& name, std::int64_t count);

  std::map<std::string, model::Checkpoint::Stored> by_canonical_;
  std::vector<model::Checkpoint::Stored> unchanged_;
  std::vector<tensor::TensorSpec> specs_;
};

}  // namespace e5v::quantize
