#pragma once
#include "quantize/block.h"
#include "quantize/plan.h"
#include "tensor/safetensors_writer.h"

namespace e5v::quantize {

/// Writes blocks in the order of a plan.
class BlockWriter {
 public:
  /// Borrows both arguments.
  BlockWriter(tensor::SafetensorsWriter& writer, const Plan& plan) : writer_(writer), plan_(plan) {}

  void write(std::int64_t index, const RoundedBlock& block);

  /// Writes the matrices of a block in NF4 and its norms unchanged.
  void write_nf4(std::int64_t index);

 private:
  void write_norm(const model::Checkpoint::Stored& stored, const tensor::Tensor& norm);
  void write_matrix(const model::Checkpoint::Stored& stored, const QuantizedWeight& weight);
  void write(const std::string& name, const tensor::Tensor& tensor) { writer_.write(name, tensor.view().bytes()); }

  tensor::SafetensorsWriter& writer_;
  const Plan& plan_;
};

}  // namespace e5v::quantize
