#include "nn/attention.h"

#include <cmath>

#include "ops/attention.h"

namespace e5v::nn {

Attention::Attention(std::int64_t heads, std::int64_t kv_heads, std::int64_t head_width, Precision precision)
    : heads_(heads),
      kv_heads_(kv_heads),
      scale_(1.0f / std::sqrt(static_cast<float>(head_width))),
      precision_(precision) {}

tensor::Matrix Attention::forward(const Pass& pass, tensor::ConstMatrix q_QHE, tensor::ConstMatrix k_TKE,
                                  tensor::ConstMatrix v_TKE, const Linear& reader) const {
  require(pass.rows.plan != nullptr, "[attention] the pass's rows have no attention plan");
  const ops::AttentionPlan& plan = *pass.rows.plan;
  const tensor::Matrix out_QHE = pass.matrix(reader.input_type(), q_QHE.rows, q_QHE.columns);
  ops::attention({q_QHE, k_TKE, v_TKE, out_QHE, heads_, kv_heads_, scale_, bf16_attention(precision_, q_QHE.place)},
                 plan, pass.arena);
  if (pass.tape == nullptr) return out_QHE;
  pass.tape->record([=, this, &plan, &tape = *pass.tape] {
    ops::attention_backward({q_QHE, k_TKE, v_TKE, *tape.gradient(out_QHE), *tape.gradient(q_QHE), *tape.gradient(k_TKE),
                             *tape.gradient(v_TKE), heads_, kv_heads_, scale_},
                            plan);
  });
  return out_QHE;
}

}  // namespace e5v::nn
