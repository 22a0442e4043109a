#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "tensor/matrix.h"
#include "vectors/byte_scores.h"

namespace e5v::vectors {

/// Candidates for many searches, with precomputed bounds of their lengths and, if it makes searches faster, their 8-bit
/// form. A search is top_k(VectorScores(queries, index), k).
class VectorIndex {
 public:
  /// Reads all vectors: f32 [C, D], contiguous, borrowed; they may be a mapped file. The 8-bit form takes C x D bytes
  /// of memory and is left out if that is more than `max_bytes`.
  explicit VectorIndex(tensor::ConstMatrix vectors_CD,
                       std::int64_t max_bytes = std::numeric_limits<std::int64_t>::max());

  tensor::ConstMatrix vectors() const { return vectors_CD_; }
  const std::vector<float>& lengths() const { return lengths_; }
  /// Returns the 8-bit form, or null.
  const std::shared_ptr<const ByteRows>& bytes() const { return bytes_; }

 private:
  tensor::ConstMatrix vectors_CD_;
  std::vector<float> lengths_;
  std::shared_ptr<const ByteRows> bytes_;
};

}  // namespace e5v::vectors
