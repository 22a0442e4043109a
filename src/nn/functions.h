#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "nn/linear.h"
#include "nn/pass.h"
#include "ops/rows.h"
#include "tensor/tensor.h"

/// The operations of ops inside a pass. With a tape, each also records its backward pass. Arguments and errors are
/// those of the operation. What the pass borrows must live until the tape is rewound, and what is read must not be
/// overwritten before, except where a function says so.
namespace e5v::nn {

/// Weights that are not multiplied as a matrix (norms, biases, a position embedding), as f32, and their place in the
/// checkpoint.
class Vector {
 public:
  Vector() = default;
  explicit Vector(const tensor::TensorView& source) : source_(source), values_(ops::widened(source)) {}

  std::span<const float> values() const { return values_.as<float>(); }
  tensor::TensorView view() const { return values_.view(); }
  const tensor::TensorView& source() const { return source_; }  ///< identifies the vector on a tape

 private:
  tensor::TensorView source_;
  tensor::Tensor values_;
};

/// A copy, in the pass's memory, of a matrix that is overwritten before a backward pass reads it.
tensor::ConstMatrix copy_for_backward(const Pass& pass, tensor::ConstMatrix x);

/// Rotates x by the positions of the pass's rows.
void rotary(const Pass& pass, tensor::Matrix x_TX);
/// Computes silu(gate) * up in the form that the reader takes.
Input swiglu(const Pass& pass, tensor::ConstMatrix gate_up_TG, const Linear& reader);
void quick_gelu(const Pass& pass, tensor::ConstMatrix x_TF, tensor::Matrix y_TF);
void gelu(const Pass& pass, tensor::ConstMatrix x_TF, tensor::Matrix y_TF);
void gelu_tanh(const Pass& pass, tensor::ConstMatrix x_TF, tensor::Matrix y_TF);

/// Copies the rows of x that the pass works on to y. If these are all rows, y is x, and nothing is done.
void select_rows(const Pass& pass, tensor::ConstMatrix x_TD, tensor::Matrix y_QD);
/// The same in memory of the pass, without rounding; or x itself with its rounded rows, if these are all rows.
Input select_rows(const Pass& pass, const Input& x_TD);

/// Computes y[i] = table[ids[i]] for every id except -1. A tape watches y.
void gather_rows(const Pass& pass, const tensor::TensorView& table_VD, std::span<const std::int32_t> ids_T,
                 tensor::Matrix y_TD);
/// ops::place_patches with a checkpoint's class token and positions. patches_PD f32, dense.
void place_patches(const Pass& pass, tensor::ConstMatrix patches_PD, const Vector& class_D, const Vector& positions_RD,
                   tensor::Matrix y_TD);

/// x in another type; x itself if it has that type. Its gradient is the gradient with respect to x.
tensor::ConstMatrix converted(const Pass& pass, tensor::ConstMatrix x, tensor::DType dtype);

/// Computes y[to[i]] = x[from[i]]. No row of y occurs twice; both are f32. The lists are kept as long as needed.
struct RowCopies {
  std::vector<std::int64_t> from, to;
};
void copy_rows(const Pass& pass, tensor::ConstMatrix x_RD, RowCopies copies, tensor::Matrix y_TD);

}  // namespace e5v::nn
