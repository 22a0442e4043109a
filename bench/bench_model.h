#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "embed/batch.h"
#include "embed/prepare.h"
#include "model/checkpoint.h"
#include "model/llava_next.h"
#include "model/synthetic.h"
#include "tensor/arena.h"

namespace e5v::bench {

/// A whole model of random weights in memory, like the one of an Embedder.
class BenchModel {
 public:
  /// `format` is the format of the language model's matrices.
  BenchModel(const model::ModelConfig& config, tensor::DType stored, tensor::WeightFormat format,
             nn::Precision precision, tensor::Place place = tensor::Place::host);

  const model::ModelConfig& config() const { return config_; }
  const model::LlavaNext& model() const { return model_; }
  const tensor::TensorMap& tensors() const { return weights_.tensors; }
  embed::Preparer& preparer() { return preparer_; }
  nn::Precision precision() const { return precision_; }
  tensor::Arena& arena() { return arena_; }
  tensor::Place place() const { return arena_.place(); }

  /// Computes vectors of inputs, in the batches of an Embedder, but without preparing ahead.
  void embed(const std::vector<Input>& inputs);
  /// The same for prepared inputs.
  void embed(const std::vector<embed::PreparedInput>& inputs);
  /// The floating-point operations of embed().
  double flops(const std::vector<Input>& inputs);

 private:
  std::int64_t budget() const { return embed::chosen_token_budget(0, arena_.place()); }

  model::ModelConfig config_;
  nn::Precision precision_;
  model::SyntheticWeights weights_;
  model::Checkpoint checkpoint_;
  embed::Preparer preparer_;
  model::LlavaNext model_;
  tensor::Arena arena_;
};

/// E5-V's shape with 4 of the 32 language layers (all layers are equal), the whole vision tower, and a small
/// vocabulary, on which no time depends; or the tiny config.
model::ModelConfig bench_config(bool quick, std::int64_t layers = 4);

}  // namespace e5v::bench
