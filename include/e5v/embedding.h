#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "e5v/error.h"

namespace e5v {

/// Where a vector comes from. Vectors are comparable when weights, preprocessing and compute agree; prompts differ by
/// intention (a text's and an image's).
struct E5V_EXPORT Fingerprint {
  std::string weights;        ///< of the tensors and the config; this and the next two are 128 bits in hexadecimal
  std::string preprocessing;  ///< of the tokenizer and the image preprocessing
  /// "f32", "bf16", "int8" or "fp8"; on a CPU "-wide" where int8 weights meet activations of 16 bits, "-f32" where
  /// 16-bit weights meet f32 arithmetic; "+N" if only the first N numbers are kept; "+l2" if normalised; "/1": the
  /// revision of this library's arithmetic.
  std::string compute;
  std::string prompt;  ///< of the template

  /// One hash of weights, preprocessing and compute, 128 bits in hexadecimal: the vector space.
  std::string space() const;
  /// One hash of everything, likewise.
  std::string id() const;
  bool operator==(const Fingerprint&) const = default;
};

/// One vector that is handed out by a stream.
struct Embedding {
  std::span<const float> vector;  ///< valid during the call that hands it out
  std::int64_t tokens = 0;        ///< rows of the prompt, image tokens included
  std::shared_ptr<const Fingerprint> fingerprint;
};

/// The vector of one submitted input.
struct EmbeddedInput {
  std::vector<float> vector;
  std::int64_t tokens = 0;                         ///< rows of the prompt, image tokens included
  std::shared_ptr<const Fingerprint> fingerprint;  ///< shared by all inputs of its prompt
};

/// Vectors of a list of inputs, in its order.
struct E5V_EXPORT Embeddings {
  std::int64_t width = 0;                      ///< numbers per vector
  std::vector<float> values;                   ///< [inputs, width], row-major
  std::vector<std::int64_t> token_counts;      ///< [inputs]
  std::vector<Fingerprint> fingerprints;       ///< the different ones, in the order in which they first occur
  std::vector<std::size_t> fingerprint_index;  ///< [inputs], into fingerprints

  std::int64_t size() const { return static_cast<std::int64_t>(token_counts.size()); }
  /// The vector of an input. index from 0 to size() - 1.
  std::span<const float> row(std::int64_t index) const {
    return std::span(values).subspan(static_cast<std::size_t>(index * width), static_cast<std::size_t>(width));
  }
  /// The fingerprint of an input. index from 0 to size() - 1.
  const Fingerprint& fingerprint(std::int64_t index) const {
    return fingerprints[fingerprint_index[static_cast<std::size_t>(index)]];
  }
  /// Appends a vector.
  void add(const Embedding& embedding);
};

}  // namespace e5v
