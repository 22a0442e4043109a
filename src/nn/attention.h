#pragma once
#include <cstdint>

#include "nn/linear.h"
#include "nn/precision.h"

namespace e5v::nn {

/// softmax(q k^T / sqrt(E)) v for each head: H heads of width E, of which H / K share a head of keys and values.
/// Source: arXiv:1706.03762, section 3.2; arXiv:2305.13245 for shared heads.
class Attention {
 public:
  Attention(std::int64_t heads, std::int64_t kv_heads, std::int64_t head_width, Precision precision);

  /// The attention outputs of the pass's rows, which are the queries of its plan, in the type of the reader, [Q, H E].
  /// q_QHE, k_TKE and v_TKE are f32, on a GPU f32|bf16.
  tensor::Matrix forward(const Pass& pass, tensor::ConstMatrix q_QHE, tensor::ConstMatrix k_TKE,
                         tensor::ConstMatrix v_TKE, const Linear& reader) const;

 private:
  std::int64_t heads_, kv_heads_;
  float scale_;
  Precision precision_;
};

}  // namespace e5v::nn
