#pragma once
#include "tensor/stored_matrix.h"

namespace e5v::ops {

/// A weight matrix in NF4 with double quantisation, with its memory.
struct Nf4Weight {
  tensor::Tensor codes;          ///< u8 [N K / 2, 1]
  tensor::Tensor scales;         ///< u8 [blocks]
  tensor::Tensor nested_scales;  ///< f32 [ceil(blocks / 256)]
  tensor::StoredMatrix matrix;   ///< all of them
};

/// Rounds to NF4 as bitsandbytes 0.43.1 does, bit by bit (quantize_4bit with quant_type "nf4", block size 64 and
/// compress_statistics): each block of 64 numbers, row-major over the matrix, is divided by its largest magnitude and
/// takes the nearest of kNf4Map; the magnitudes, less their mean, are rounded in blocks of 256 to kDynamicMap times
/// their largest. A block of zeros gets the code of -1 and a scale near zero, as there. expand_rows is the way back. Of
/// the mean the last bit follows from the order of summation, which is that of PyTorch on an AVX2 CPU.
/// w_NK f32|f16|bf16 [N, K], K a multiple of 8. Throws InvalidInput otherwise. Source: arXiv:2305.14314, section 3.
Nf4Weight quantize_nf4(const tensor::TensorView& w_NK);

}  // namespace e5v::ops
