#pragma once
#include "ops/cuda/attention.h"

/// Attention in f32 for any E up to 256, in simple code that is not fast. Arguments as in attention().
namespace e5v::ops::cuda {

void attention_exact(const AttentionViews& views, const DevicePlan& plan, cudaStream_t stream);

/// lse and delta = sum(dout out) of each query row and head, [Q, H].
void attention_backward_exact(const AttentionGradientViews& views, const DevicePlan& plan, const float* lse,
                              const float* delta, cudaStream_t stream);

}  // namespace e5v::ops::cuda
