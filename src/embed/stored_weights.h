#pragma once
#include <cstdint>

#include "tensor/dtype.h"
#include "tensor/stored_matrix.h"

namespace e5v::embed {

/// How a checkpoint stores its weights.
struct StoredWeights {
  tensor::DType dtype = tensor::DType::f32;                   ///< of the plain ones
  tensor::WeightFormat format = tensor::WeightFormat::plain;  ///< of the language model's matrices
  std::uint64_t bytes = 0;                                    ///< of all that vectors depend on
  std::int64_t decoded = 0;   ///< numbers of quantised matrices that are turned into plain ones
  std::int64_t unpacked = 0;  ///< of those that are unpacked into bytes
  bool rounds_inputs = true;  ///< whether the quantised matrices ask for rounded inputs
};

}  // namespace e5v::embed
