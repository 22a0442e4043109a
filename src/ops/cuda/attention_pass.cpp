// The backend's attention. The plan is small, and is copied to the GPU in every call.
#include "ops/cuda/attention.h"
#include "ops/cuda/attention_plan.h"
#include "ops/cuda/backend.h"
#include "ops/cuda/memory.h"

namespace e5v::ops::cuda {

void CudaBackend::attention(const AttentionArguments& a, const AttentionPlan& plan) {
  const PackedPlan packed = pack_attention_plan(plan, a.heads / a.kv_heads, a.kv_heads);
  const Uploaded<std::int32_t> words(packed.words, stream_);
  AttentionViews views{view_of(a.q_QHE), view_of(a.k_TKE), view_of(a.v_TKE), view_of(a.out_QHE)};
  views.heads = static_cast<int>(a.heads);
  views.kv_heads = static_cast<int>(a.kv_heads);
  views.scale = a.scale;
  cuda::attention(views, packed.at(words.data()), stream_);
}

void CudaBackend::attention_backward(const AttentionGradients& a, const AttentionPlan& plan) {
  const PackedPlan packed = pack_attention_backward_plan(plan, a.heads / a.kv_heads);
  const Uploaded<std::int32_t> words(packed.words, stream_);
  AttentionGradientViews views{view_of(a.q_QHE),  view_of(a.k_TKE),  view_of(a.v_TKE), view_of(a.dout_QHE),
                               view_of(a.dq_QHE), view_of(a.dk_TKE), view_of(a.dv_TKE)};
  views.heads = static_cast<int>(a.heads);
  views.kv_heads = static_cast<int>(a.kv_heads);
  views.scale = a.scale;
  const Temporary scratch(static_cast<std::size_t>(attention_backward_scratch_bytes(views)), stream_);
  cuda::attention_backward(views, packed.at(words.data()), scratch.as<void>(), stream_);
}

}  // namespace e5v::ops::cuda
