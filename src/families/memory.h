#pragma once
#include <cstdint>

namespace e5v::families {

/// Weights of a model by part; only those that vectors depend on.
struct ParameterCount {
  std::int64_t embedding = 0;          ///< the table of token embeddings
  std::int64_t language = 0;           ///< blocks and norm, CLIP's table of positions among them
  std::int64_t vision = 0;             ///< tower up to the layer used
  std::int64_t projector = 0;          ///< or CLIP's projections
  std::int64_t language_matrices = 0;  ///< those of the above that are multiplied by: all but embeddings, norms, biases
  std::int64_t vision_matrices = 0;    ///< the same of tower and projector
  std::int64_t total() const { return embedding + language + vision + projector; }
};

/// Bytes that a model is predicted to take. Sums over what the code allocates, not a measurement: allocators, the CPU
/// library's generated code and the operating system add to it.
struct MemoryEstimate {
  std::uint64_t mapped = 0;  ///< weights read from the file cache: shared, and given back under pressure. Of the table
                             ///< of token embeddings, the rows of as many tokens as a few hundred texts hold.
  std::uint64_t copied = 0;  ///< copies of weights in the type that the GEMMs take
  std::uint64_t activations =
      0;  ///< of the largest batch: the token budget, or prompts on the largest image if these have more tokens
  std::uint64_t scratch = 0;  ///< that GEMMs keep: activations in the order of reading, unpacked parts of weights
  std::uint64_t images = 0;   ///< prepared ahead of the compute, at their largest
  std::uint64_t base = 0;     ///< program, tokenizer, tables
  std::uint64_t total() const { return mapped + copied + activations + scratch + images + base; }
};

/// Bytes of a GPU's memory that a model is predicted to take.
struct DeviceEstimate {
  std::uint64_t weights = 0;      ///< as they are stored
  std::uint64_t copied = 0;       ///< copies in the type that the GEMMs take
  std::uint64_t activations = 0;  ///< of the largest batch
  std::uint64_t workspace = 0;    ///< of the libraries
  std::uint64_t total() const { return weights + copied + activations + workspace; }
};

}  // namespace e5v::families
