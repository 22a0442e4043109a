#pragma once
#include <cstdint>

namespace e5v::families {

/// The numbers of weights of a model's parts; only those that vectors depend on.
struct ParameterCount {
  std::int64_t embedding = 0;          ///< the table of token embeddings
  std::int64_t language = 0;           ///< blocks and norm, including CLIP's table of positions
  std::int64_t vision = 0;             ///< tower up to the last layer used
  std::int64_t projector = 0;          ///< the projector, or CLIP's projections
  std::int64_t language_matrices = 0;  ///< matrices of products: all above except embeddings, norms, biases
  std::int64_t vision_matrices = 0;    ///< the same for tower and projector
  std::int64_t total() const { return embedding + language + vision + projector; }
};

/// The predicted bytes of a model. They are sums over the code's allocations, not measurements. Allocators, generated
/// code of the CPU library and the operating system add to them.
struct MemoryEstimate {
  std::uint64_t mapped = 0;       ///< weights in the file cache, which are shared and can be dropped. Of the table
                                  ///< of token embeddings, the rows of the tokens of a few hundred texts count
  std::uint64_t copied = 0;       ///< copies of weights in the type of the GEMMs
  std::uint64_t activations = 0;  ///< of the largest batch: the token budget, or prompts on the largest image
  std::uint64_t scratch = 0;      ///< memory of GEMMs: reordered activations, unpacked parts of weights
  std::uint64_t images = 0;       ///< images that are prepared ahead, with their largest size
  std::uint64_t base = 0;         ///< program, tokenizer, tables
  std::uint64_t total() const { return mapped + copied + activations + scratch + images + base; }
};

/// The predicted bytes of a GPU's memory for a model.
struct DeviceEstimate {
  std::uint64_t weights = 0;      ///< in their stored form
  std::uint64_t copied = 0;       ///< copies in the type of the GEMMs
  std::uint64_t activations = 0;  ///< of the largest batch
  std::uint64_t workspace = 0;    ///< of the libraries
  std::uint64_t total() const { return weights + copied + activations + workspace; }
};

}  // namespace e5v::families
