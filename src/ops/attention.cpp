#include "ops/attention.h"

#include "ops/backend.h"
#include "ops/check.h"
#include "ops/cpu/kernels.h"
#include "ops/isa.h"

namespace e5v::ops {
namespace {

void check_plan(const AttentionPlan& plan, std::int64_t queries, std::int64_t keys) {
  for (const RowRange& node : plan.nodes) {
    require(node.begin >= 0 && node.count > 0 && node.begin + node.count <= keys,
            "[attention] node of rows [{}, {}) is outside the {} key rows", node.begin, node.begin + node.count, keys);
  }
  for (const AttentionPlan::Span& span : plan.spans) {
    require(span.queries.begin >= 0 && span.queries.count >= 0 && span.queries.begin + span.queries.count <= queries,
            "[attention] span of rows [{}, {}) is outside the {} query rows", span.queries.begin,
            span.queries.begin + span.queries.count, queries);
    require(!span.path.empty(), "[attention] a span has no keys");
    for (const std::int32_t node : span.path) {
      require(node >= 0 && node < static_cast<std::int64_t>(plan.nodes.size()), "[attention] node {} of {} is named",
              node, plan.nodes.size());
    }
    const RowRange& own = plan.nodes[static_cast<std::size_t>(span.path.back())];
    require(!span.causal || span.queries.count <= own.count, "[attention] {} causal queries over {} keys",
            span.queries.count, own.count);
  }
}

std::int64_t check_heads(std::int64_t heads, std::int64_t kv_heads, std::int64_t columns) {
  require(heads > 0 && kv_heads > 0 && heads % kv_heads == 0 && columns % heads == 0,
          "[attention] {} heads, {} kv heads and width {} do not fit together", heads, kv_heads, columns);
  return columns / heads;
}

}  // namespace

void attention(const AttentionArguments& a, const AttentionPlan& plan, tensor::Arena& arena) {
  const std::int64_t head_width = check_heads(a.heads, a.kv_heads, a.q_QHE.columns);
  check_result_type("attention", "q", a.q_QHE);
  check_type("attention", "k", a.k_TKE.dtype, a.q_QHE.dtype);
  check_type("attention", "v", a.v_TKE.dtype, a.q_QHE.dtype);
  check_activation_type("attention", "out", a.out_QHE.dtype);
  check_shape("attention", "k", a.k_TKE, a.k_TKE.rows, a.kv_heads * head_width);
  check_shape("attention", "v", a.v_TKE, a.k_TKE.rows, a.kv_heads * head_width);
  check_shape("attention", "out", a.out_QHE, a.q_QHE.rows, a.q_QHE.columns);
  check_plan(plan, a.q_QHE.rows, a.k_TKE.rows);
  if (on_device(a.out_QHE)) return backend().attention(a, plan);
  if (!a.bf16) return cpu::attention(a, plan, arena);
  require<DeviceError>(has_native_bf16(), "[attention] this CPU has no bf16 instructions");
  cpu::attention_bf16(a, plan, arena);
}

void attention_backward(const AttentionGradients& a, const AttentionPlan& plan) {
  const std::int64_t Q = a.q_QHE.rows, T = a.k_TKE.rows, HE = a.q_QHE.columns,
                     KE = a.kv_heads * check_heads(a.heads, a.kv_heads, HE);
  check_result_type("attention_backward", "q", a.q_QHE);
  check_type("attention_backward", "k", a.k_TKE.dtype, a.q_QHE.dtype);
  check_type("attention_backward", "v", a.v_TKE.dtype, a.q_QHE.dtype);
  check_shape("attention_backward", "q", a.q_QHE, Q, HE);
  check_gradient("attention_backward", "dout", a.dout_QHE, Q, HE);
  check_gradient("attention_backward", "dq", a.dq_QHE, Q, HE);
  check_shape("attention_backward", "k", a.k_TKE, T, KE);
  check_shape("attention_backward", "v", a.v_TKE, T, KE);
  check_gradient("attention_backward", "dk", a.dk_TKE, T, KE);
  check_gradient("attention_backward", "dv", a.dv_TKE, T, KE);
  check_plan(plan, Q, T);
  if (on_device(a.dq_QHE)) return backend().attention_backward(a, plan);
  cpu::attention_backward(a, plan);
}

}  // namespace e5v::ops
