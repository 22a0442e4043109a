#pragma once
#include "tensor/stored_matrix.h"

namespace e5v::ops {

/// A weight matrix in NF4 with double quantisation, and its memory.
struct Nf4Weight {
  tensor::Tensor codes;          ///< u8 [N K / 2, 1]
  tensor::Tensor scales;         ///< u8 [blocks]
  tensor::Tensor nested_scales;  ///< f32 [ceil(blocks / 256)]
  tensor::StoredMatrix matrix;   ///< a view of all three
};

/// Rounds to NF4 with the bits of bitsandbytes 0.43.1 (quantize_4bit with quant_type "nf4", block size 64 and
/// compress_statistics). Each block of 64 numbers, row-major over the matrix, is divided by its largest magnitude and
/// rounded to the nearest of kNf4Map. The magnitudes minus their mean are rounded in blocks of 256 to kDynamicMap times
/// their largest. A block of zeros gets the code of -1 and a scale near zero, as in the reference. expand_rows is the
/// inverse. The last bit of the mean depends on the order of summation, which is that of PyTorch on an AVX2 CPU. w_NK
/// f32|f16|bf16 [N, K], K a multiple of 8. Throws InvalidInput otherwise. Source: arXiv:2305.14314, section 3.
Nf4Weight quantize_nf4(const tensor::TensorView& w_NK);

}  // namespace e5v::ops
