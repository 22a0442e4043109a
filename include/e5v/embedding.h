#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "e5v/error.h"

namespace e5v {

/// The fingerprint of a vector says what computed it. Two vectors can be compared if weights, preprocessing and compute
/// are equal. Their prompts may differ, as those of a text and of an image do.
struct E5V_EXPORT Fingerprint {
  std::string weights;        ///< hash of the tensors, the config and the adapter: 128 bits in hexadecimal
  std::string preprocessing;  ///< hash of the tokenizer and the image preprocessing: 128 bits in hexadecimal
  /// The arithmetic and the scaling, as text and not as a hash: "f32", "bf16", "int8" or "fp8", and then these parts
  /// where they apply. "-wide": the CPU has no 8-bit dot products, and int8 weights are multiplied with 16-bit
  /// activations. "-f32": the CPU has no bf16 instructions, and 16-bit weights are multiplied in f32. "+N": only the
  /// first N dimensions are kept. "+l2": vectors are scaled to length 1. "/N": the revision of this library's
  /// arithmetic.
  std::string compute;
  std::string prompt;  ///< hash of the prompt's template: 128 bits in hexadecimal

  /// Returns one hash of weights, preprocessing and compute, 128 bits in hexadecimal. It identifies the vector space.
  std::string space() const;
  /// Returns one hash of all four members, 128 bits in hexadecimal.
  std::string id() const;
  bool operator==(const Fingerprint&) const = default;
};

/// The vector of one input of a stream.
struct Embedding {
  std::span<const float> vector;                   ///< [width], valid only during the call of Stream::done
  std::int64_t tokens = 0;                         ///< number of rows of the input: tokens and image features
  std::shared_ptr<const Fingerprint> fingerprint;  ///< what computed the vector
};

/// The vector of one submitted input.
struct EmbeddedInput {
  std::vector<float> vector;                       ///< [width]
  std::int64_t tokens = 0;                         ///< number of rows of the input: tokens and image features
  std::shared_ptr<const Fingerprint> fingerprint;  ///< what computed the vector; inputs with the same prompt share it
  double queue_seconds = 0;                        ///< wait until its batch began; 0 if it ran already, or if cached
};

/// The vectors of a list of inputs, in the order of the inputs.
struct E5V_EXPORT Embeddings {
  std::int64_t width = 0;                      ///< number of dimensions of a vector
  std::vector<float> values;                   ///< the vectors [inputs, width], row-major
  std::vector<std::int64_t> token_counts;      ///< number of rows of each input [inputs]
  std::vector<Fingerprint> fingerprints;       ///< the distinct fingerprints, in the order of their first occurrence
  std::vector<std::size_t> fingerprint_index;  ///< index into fingerprints for each input [inputs]

  /// Returns the number of vectors.
  std::int64_t size() const { return static_cast<std::int64_t>(token_counts.size()); }
  /// Returns the vector [width] of the input `index`, which must be from 0 to size() - 1.
  std::span<const float> row(std::int64_t index) const {
    return std::span(values).subspan(static_cast<std::size_t>(index * width), static_cast<std::size_t>(width));
  }
  /// Returns the fingerprint of the input `index`, which must be from 0 to size() - 1.
  const Fingerprint& fingerprint(std::int64_t index) const {
    return fingerprints[fingerprint_index[static_cast<std::size_t>(index)]];
  }
  /// Appends a vector, its number of rows and its fingerprint. The vector must have `width` entries.
  void add(const Embedding& embedding);
};

}  // namespace e5v
