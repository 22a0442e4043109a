#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "tensor/matrix.h"
#include "vectors/byte_scores.h"

namespace e5v::vectors {

/// Vectors that are searched again and again, with what makes that fast: bounds of their lengths and, where it serves,
/// their 8-bit form, both made once. A search is top_k(VectorScores(queries, index), k).
class VectorIndex {
 public:
  /// f32 [C, D], dense, borrowed; they may be a mapped file. Their 8-bit form takes C x D bytes of memory, and is left
  /// out when that is more than `max_bytes`. Reads all of them.
  explicit VectorIndex(tensor::ConstMatrix vectors_CD,
                       std::int64_t max_bytes = std::numeric_limits<std::int64_t>::max());

  tensor::ConstMatrix vectors() const { return vectors_CD_; }
  const std::vector<float>& lengths() const { return lengths_; }
  /// Null where there is none.
  const std::shared_ptr<const ByteRows>& bytes() const { return bytes_; }

 private:
  tensor::ConstMatrix vectors_CD_;
  std::vector<float> lengths_;
  std::shared_ptr<const ByteRows> bytes_;
};

}  // namespace e5v::vectors
