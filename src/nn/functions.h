#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "nn/linear.h"
#include "nn/pass.h"
#include "ops/attention.h"
#include "ops/rotary.h"
#include "ops/rows.h"
#include "tensor/tensor.h"

/// The operations of ops inside a pass: with a tape each also records its backward pass. Arguments and errors are those
/// of the operation. Spans, plans and tables must live until the tape is rewound, and what is read must not be
/// overwritten before, except where a function says so.
namespace e5v::nn {

/// Weights that are no matrix to multiply with (norms, biases, an embedding of places), as f32, and where the
/// checkpoint has them.
class Vector {
 public:
  Vector() = default;
  explicit Vector(const tensor::TensorView& source) : source_(source), values_(ops::widened(source)) {}

  std::span<const float> values() const { return values_.as<float>(); }
  tensor::TensorView view() const { return values_.view(); }
  const tensor::TensorView& source() const { return source_; }  ///< names the vector on a tape

 private:
  tensor::TensorView source_;
  tensor::Tensor values_;
};

/// y must not be x when there is a tape; x may be overwritten afterwards.
void rms_norm(const Pass& pass, tensor::ConstMatrix x_TD, const Vector& gamma_D, float eps, tensor::Matrix y_TD);
/// y, made for `reader` as the pass will have it read: under fp8 the operation rounds y's rows, too, and `kept` says
/// which are still wanted as they are.
Input rms_norm_for(const Linear& reader, const Pass& pass, tensor::ConstMatrix x_TD, const Vector& gamma_D, float eps,
                   ops::FineRows kept);
void layer_norm(const Pass& pass, tensor::ConstMatrix x_TD, const Vector& gamma_D, const Vector& beta_D, float eps,
                tensor::Matrix y_TD);
void rotary(const Pass& pass, tensor::Matrix x_TX, std::span<const std::int32_t> positions_T,
            const ops::RotaryTable& table);
void attention(const Pass& pass, const ops::AttentionArguments& arguments, const ops::AttentionPlan& plan);
void swiglu(const Pass& pass, tensor::ConstMatrix gate_up_TG, tensor::Matrix y_TF);
/// y, made as rms_norm_for makes it.
Input swiglu_for(const Linear& reader, const Pass& pass, tensor::ConstMatrix gate_up_TG, ops::FineRows kept);
void quick_gelu(const Pass& pass, tensor::ConstMatrix x_TF, tensor::Matrix y_TF);
void gelu(const Pass& pass, tensor::ConstMatrix x_TF, tensor::Matrix y_TF);
void gelu_tanh(const Pass& pass, tensor::ConstMatrix x_TF, tensor::Matrix y_TF);

/// y[i] = x[rows[i]].
void select_rows(const Pass& pass, tensor::ConstMatrix x_TD, std::span<const std::int64_t> rows_P, tensor::Matrix y_PD);

/// x in another type; itself when it is of that type. Its gradient is that by x.
tensor::ConstMatrix converted(const Pass& pass, tensor::ConstMatrix x, tensor::DType dtype);

/// y[to[i]] = x[from[i]], no row of y twice; both f32. The lists are kept as long as needed.
struct RowCopies {
  std::vector<std::int64_t> from, to;
};
void copy_rows(const Pass& pass, tensor::ConstMatrix x_RD, RowCopies copies, tensor::Matrix y_TD);

}  // namespace e5v::nn
