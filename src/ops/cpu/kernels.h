#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "ops/attention.h"
#include "ops/dropout.h"
#include "ops/rotary.h"
#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

/// The CPU half of the ops. Arguments have been checked by the functions of the same names in e5v::ops.
namespace e5v::ops::cpu {

int vector_bits();

void rms_norm(tensor::ConstMatrix x, const float* gamma, float eps, tensor::Matrix y);
void layer_norm(tensor::ConstMatrix x, const float* gamma, const float* beta, float eps, tensor::Matrix y);
void l2_normalize(tensor::ConstMatrix x, tensor::Matrix y);
void rms_norm_backward(tensor::ConstMatrix x, const float* gamma, float eps, tensor::ConstMatrix dy, tensor::Matrix dx);
void layer_norm_backward(tensor::ConstMatrix x, const float* gamma, float eps, tensor::ConstMatrix dy,
                         tensor::Matrix dx);

enum class Pointwise { quick_gelu, gelu, gelu_tanh };
void pointwise(Pointwise function, tensor::ConstMatrix x, tensor::Matrix y);
void swiglu(tensor::ConstMatrix gate_up, tensor::Matrix y);
void pointwise_backward(Pointwise function, tensor::ConstMatrix x, tensor::ConstMatrix dy, tensor::Matrix dx);
void swiglu_backward(tensor::ConstMatrix gate_up, tensor::ConstMatrix dy, tensor::Matrix dgate_up);

struct DropoutRule {
  std::uint32_t limit;  ///< halves of numbers below it drop
  float scale;          ///< of what stays
  DropoutKey key;
};
void dropout(tensor::ConstMatrix x, const DropoutRule& rule, std::span<const std::uint64_t> names, tensor::Matrix y,
             bool add);
void rotary(tensor::Matrix x, std::span<const std::int32_t> positions, const RotaryTable& table, float direction);
void convert(tensor::ConstMatrix x, float scale, tensor::Matrix y);
void quantize_rows(tensor::ConstMatrix x, tensor::Matrix q, float* scales, int levels);
void expand_rows(const tensor::StoredMatrix& weight, std::int64_t begin, tensor::Matrix y);
void attention(const AttentionArguments& arguments, const AttentionPlan& plan, tensor::Arena& arena);
void attention_backward(const AttentionGradients& arguments, const AttentionPlan& plan);

}  // namespace e5v::ops::cpu
