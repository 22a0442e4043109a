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

/// A tensor and how its values are distributed: independent, bell-shaped around `mean`; or waves over a grid.
struct SyntheticTensor {
  tensor::TensorSpec spec;
  float mean = 0, deviation = 0;
  std::int64_t grid = 0;  ///< above 0: [1 + grid * grid, V] holds zeros, then sines of each place on the grid
};

enum class WeightScheme {
  noise,  ///< nothing is a round number: biases and classes by 0.02, norms near 1
  start,  ///< to train from: biases 0, norms 1, what a block adds is small, places of patches are told by sines
};

/// Every tensor of a checkpoint of this config, in the order of a file, under the names of transformers <= 4.51 (of
/// LlamaForCausalLM when there is no vision tower). Scaled as networks are before training: matrices by 1 / sqrt(K),
/// embeddings by 0.02, so that activations stay finite at any depth. The start is CLIP's (Radford et al.,
/// arXiv:2103.00020): what leads back from a block's branches is divided by sqrt(2 layers), and the first half of the
/// tower's MLP by sqrt(2); the sines are those of Vaswani et al. (arXiv:1706.03762) by column and by row, a half each.
std::vector<SyntheticTensor> synthetic_tensors(const ModelConfig& config, tensor::DType dtype,
                                               WeightScheme scheme = WeightScheme::noise);

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
