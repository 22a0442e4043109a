#pragma once
#include <cuda_runtime_api.h>

#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::ops::cuda {

/// y = a quantised weight as numbers. Everything is on the GPU. y f32|bf16 [N, K].
void expand(const tensor::StoredMatrix& weight, tensor::Matrix y, cudaStream_t stream);

}  // namespace e5v::ops::cuda
