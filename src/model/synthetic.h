#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/config.h"
#include "tensor/dtype.h"
#include "tensor/safetensors.h"
#include "tensor/safetensors_writer.h"

/// Random weights of any size: for tests and measurements at shapes whose real weights are not at hand.
namespace e5v::model {

/// A tensor and how its values are distributed: independent, bell-shaped around `mean`.
struct SyntheticTensor {
  tensor::TensorSpec spec;
  float mean = 0, deviation = 0;
};

/// Every tensor of a checkpoint of this config, in the order of a file, under the names of transformers <= 4.51 (of
/// LlamaForCausalLM when there is no vision tower). Scaled as networks are before training: matrices by 1 / sqrt(K),
/// embeddings and biases by 0.02, norms near 1, so that activations stay finite at any depth.
std::vector<SyntheticTensor> synthetic_tensors(const ModelConfig& config, tensor::DType dtype);

/// Elements [first, first + bytes.size() / element size) of a tensor. They depend on seed, name and place alone: the
/// same on every machine, in pieces of any size, with any number of threads. bytes holds f32 or bf16, as the spec says.
/// Throws InvalidInput for other types. Source of the bits: splitmix64 (Steele, Lea, Flood, 2014, "Fast splittable
/// pseudorandom number generators"), the sum of whose four 16-bit parts is the bell.
void fill_synthetic(const SyntheticTensor& tensor, std::uint64_t seed, std::int64_t first, std::span<std::byte> bytes);

/// Such weights in memory.
struct SyntheticWeights {
  std::vector<tensor::Tensor> storage;
  tensor::TensorMap tensors;
};

/// All tensors of synthetic_tensors(), filled.
SyntheticWeights make_synthetic(const ModelConfig& config, tensor::DType dtype, std::uint64_t seed);

}  // namespace e5v::model
