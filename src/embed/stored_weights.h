#pragma once
#include <cstdint>

#include "tensor/dtype.h"
#include "tensor/stored_matrix.h"

namespace e5v::embed {

/// The form in which a checkpoint stores its weights.
struct StoredWeights {
  tensor::DType dtype = tensor::DType::f32;                   ///< of plain weights
  tensor::WeightFormat format = tensor::WeightFormat::plain;  ///< of the language model's matrices
  std::uint64_t bytes = 0;                                    ///< of all weights that vectors depend on
  std::int64_t decoded = 0;   ///< elements of quantised matrices that are decoded into plain ones
  std::int64_t unpacked = 0;  ///< bytes of matrices that are unpacked
  bool rounds_inputs = true;  ///< whether the quantised matrices ask for rounded inputs
};

}  // namespace e5v::embed
