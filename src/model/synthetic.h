#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/config.h"
#include "tensor/dtype.h"
#include "tensor/safetensors.h"
#include "tensor/safetensors_writer.h"

/// Random weights of any size, for tests and measurements without real weights.
namespace e5v::model {

/// A tensor and the distribution of its values: independent and bell-shaped around `mean`, or waves over a grid.
struct SyntheticTensor {
  tensor::TensorSpec spec;
  float mean = 0, deviation = 0;
  std::int64_t grid = 0;  ///< above 0: [1 + grid * grid, V] holds zeros, then sines for each place on the grid
};

enum class WeightScheme {
  noise,  ///< no value is special: biases and classes have deviation 0.02, norms are near 1
  start,  ///< for training: biases are 0, norms 1, blocks add little, positions of patches are sines
};

/// All tensors of a checkpoint with this config, in the order of a file, under the names of transformers <= 4.51 (of
/// LlamaForCausalLM without a vision tower). They are scaled as before training: matrices by 1 / sqrt(K), embeddings by
/// 0.02, so that activations stay finite at any depth. `start` is CLIP's initialisation (Radford et al.,
/// arXiv:2103.00020): the last matrices of a block's branches are divided by sqrt(2 layers), and the first half of the
/// tower's MLP by sqrt(2). The sines are those of Vaswani et al. (arXiv:1706.03762); one half depends on the column,
/// the other half on the row.
std::vector<SyntheticTensor> synthetic_tensors(const ModelConfig& config, tensor::DType dtype,
                                               WeightScheme scheme = WeightScheme::noise);

/// Computes elements [first, first + bytes.size() / element size) of a tensor. They depend on seed, name and index
/// alone, so they are the same on every machine, in pieces of any size, with any number of threads. bytes holds f32 or
/// bf16, as in the tensor's description. Throws InvalidInput for other types. Source of the bits: splitmix64 (Steele,
/// Lea, Flood, 2014, "Fast splittable pseudorandom number generators"). The bell is the sum of the four 16-bit parts.
void fill_synthetic(const SyntheticTensor& tensor, std::uint64_t seed, std::int64_t first, std::span<std::byte> bytes);

/// Random weights in memory.
struct SyntheticWeights {
  std::vector<tensor::Tensor> storage;
  tensor::TensorMap tensors;
};

/// All tensors of synthetic_tensors() with their values.
SyntheticWeights make_synthetic(const ModelConfig& config, tensor::DType dtype, std::uint64_t seed);

}  // namespace e5v::model
