#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "ops/attention.h"
#include "ops/backend.h"
#include "ops/dropout.h"
#include "ops/matmul.h"
#include "ops/optimizer.h"
#include "ops/rotary.h"
#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

/// The CPU's half of the ops. The functions of the same names in e5v::ops have checked the arguments.
namespace e5v::ops::cpu {

int vector_bits();

void rms_norm(tensor::ConstMatrix x, const float* gamma, float eps, tensor::Matrix y);
void layer_norm(tensor::ConstMatrix x, const float* gamma, const float* beta, float eps, tensor::Matrix y);
void l2_normalize(tensor::ConstMatrix x, tensor::Matrix y);
void rms_norm_backward(tensor::ConstMatrix x, const float* gamma, float eps, tensor::ConstMatrix dy, tensor::Matrix dx);
void layer_norm_backward(tensor::ConstMatrix x, const float* gamma, float eps, tensor::ConstMatrix dy,
                         tensor::Matrix dx);

/// The number that a norm subtracts from a row, and the factor of the difference.
struct RowScaling {
  float mean, factor;
};
void norm_scalings(tensor::ConstMatrix x, float eps, bool centred, std::span<RowScaling> rows);
/// sums[j] += x[0][j] + x[1][j] + ..., in double and in this order.
void add_column_sums(tensor::ConstMatrix x, std::span<float> sums);
/// The same for dy (x - mean) factor.
void add_normed_column_sums(tensor::ConstMatrix dy, tensor::ConstMatrix x, std::span<const RowScaling> rows,
                            std::span<float> sums);
/// y = x^T, both bf16.
void transpose_bf16(tensor::ConstMatrix x, tensor::Matrix y);

void pointwise(Pointwise function, tensor::ConstMatrix x, tensor::Matrix y);
void swiglu(tensor::ConstMatrix gate_up, tensor::Matrix y);
void pointwise_backward(Pointwise function, tensor::ConstMatrix x, tensor::ConstMatrix dy, tensor::Matrix dx);
void swiglu_backward(tensor::ConstMatrix gate_up, tensor::ConstMatrix dy, tensor::Matrix dgate_up);

void dropout(tensor::ConstMatrix x, const DropoutRule& rule, std::span<const std::uint64_t> names, tensor::Matrix y,
             bool add);
void rotary(tensor::Matrix x, std::span<const std::int32_t> positions, const RotaryTable& table, float direction);
void convert(tensor::ConstMatrix x, float scale, tensor::Matrix y);
void quantize_rows(tensor::ConstMatrix x, tensor::Matrix q, float* scales, int levels);
/// The value of a byte of a row is (byte - zero) * scale.
struct ByteScale {
  float scale = 0;
  std::int32_t zero = 0;
};
/// q u8 [M + F, K]: the M rows of x as bytes, then the remainders of the `fine` rows. scales [M + F].
void quantize_bytes(tensor::ConstMatrix x, FineRows fine, tensor::Matrix q, ByteScale* scales);
/// lost [M] is an upper bound of the length of the rounding error of quantize_bytes in each row of x.
void byte_rounding(tensor::ConstMatrix x, float* lost);
/// The same for quantize_rows with 16 bits, on CPUs with fused multiply-add.
void word_rounding(tensor::ConstMatrix x, int levels, float* lost);
/// The dot product of a and b, summed in double.
double dot(const float* a, const float* b, std::size_t count);
/// The numbers that turn sums of products of bytes into results, for each column.
struct SumScales {
  const float* columns;
  const std::int32_t* zero_sums;  // the part of the sum for one unit of the row's zero
  const float* bias;              // or null
};
/// y = (sums - zero zero_sums) scale columns + bias, or y += ... with add. Row i of sums i32 belongs to row to[i] of y,
/// or to row i when `to` is empty. No row occurs twice.
void scale_sums(tensor::ConstMatrix sums, const ByteScale* rows, const SumScales& scales,
                std::span<const std::int64_t> to, tensor::Matrix y, bool add);
void expand_rows(const tensor::StoredMatrix& weight, std::int64_t begin, tensor::Matrix y);
/// The value of one unit of a row's bytes. Bytes of int4 are rounded once more, with a small error in comparison with
/// that of its 15 levels.
float byte_scale(const tensor::StoredMatrix& weight, std::int64_t row);
/// y [1, count] = columns [begin, begin + count) of one row, on the calling thread. For int4 and nf4, begin and count
/// are multiples of 8. An i8 y, for int8 and int4, has units of byte_scale.
void expand_columns(const tensor::StoredMatrix& weight, std::int64_t row, std::int64_t begin, tensor::Matrix y);
/// These functions divide lists into chunks for the threads. Sums are computed for each chunk, and then over the chunks
/// in their order.
void adamw(const AdamWFactors& factors, std::span<const AdamWTensor> tensors);
double square_sum(std::span<const std::span<const float>> lists);
void scale(std::span<const std::span<float>> lists, float factor);
void attention(const AttentionArguments& arguments, const AttentionPlan& plan, tensor::Arena& arena);
void attention_bf16(const AttentionArguments& arguments, const AttentionPlan& plan, tensor::Arena& arena);
void attention_backward(const AttentionGradients& arguments, const AttentionPlan& plan);

}  // namespace e5v::ops::cpu
