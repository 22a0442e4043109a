#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "nn/linear.h"
#include "nn/pass.h"
#include "ops/rows.h"
#include "tensor/tensor.h"

/// The operations of ops inside a pass: with a tape each also records its backward pass. Arguments and errors are those
/// of the operation. What the pass borrows must live until the tape is rewound, and what is read must not be
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

/// A copy of what is overwritten before a backward pass reads it, from the pass's memory.
tensor::ConstMatrix copy_for_backward(const Pass& pass, tensor::ConstMatrix x);

/// x, turned by the positions of the pass's rows.
void rotary(const Pass& pass, tensor::Matrix x_TX);
/// silu(gate) * up, made as the reader wants it.
Input swiglu(const Pass& pass, tensor::ConstMatrix gate_up_TG, const Linear& reader);
void quick_gelu(const Pass& pass, tensor::ConstMatrix x_TF, tensor::Matrix y_TF);
void gelu(const Pass& pass, tensor::ConstMatrix x_TF, tensor::Matrix y_TF);
void gelu_tanh(const Pass& pass, tensor::ConstMatrix x_TF, tensor::Matrix y_TF);

/// y = those of all rows x that the pass works on. Where it works on all of them, y is x, and nothing is done.
void select_rows(const Pass& pass, tensor::ConstMatrix x_TD, tensor::Matrix y_QD);
/// The same in memory of the pass, as they are; or x itself, rounded rows and all.
Input select_rows(const Pass& pass, const Input& x_TD);

/// y[i] = table[ids[i]], for every id but -1; a tape watches y.
void gather_rows(const Pass& pass, const tensor::TensorView& table_VD, std::span<const std::int32_t> ids_T,
                 tensor::Matrix y_TD);
/// ops::place_patches with a class token and positions of a checkpoint; patches_PD f32, dense.
void place_patches(const Pass& pass, tensor::ConstMatrix patches_PD, const Vector& class_D, const Vector& positions_RD,
                   tensor::Matrix y_TD);

/// x in another type; itself when it is of that type. Its gradient is that by x.
tensor::ConstMatrix converted(const Pass& pass, tensor::ConstMatrix x, tensor::DType dtype);

/// y[to[i]] = x[from[i]], no row of y twice; both f32. The lists are kept as long as needed.
struct RowCopies {
  std::vector<std::int64_t> from, to;
};
void copy_rows(const Pass& pass, tensor::ConstMatrix x_RD, RowCopies copies, tensor::Matrix y_TD);

}  // namespace e5v::nn
