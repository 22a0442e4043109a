#pragma once
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "nn/precision.h"
#include "ops/matmul.h"

namespace e5v::nn {

/// y = x W^T + b with W in the form that the precision asks for. W may be stacked from several tensors of a checkpoint
/// (keys over values, gate over up), so that one pass over x serves them all. Borrows the tensors unless it must
/// convert them.
class Linear {
 public:
  /// weights [N_i, K] of one format; biases [N_i], as many as weights, or none. Throws InvalidInput when they do not
  /// fit.
  Linear(std::initializer_list<tensor::StoredMatrix> weights, Precision precision) : Linear(weights, {}, precision) {}
  Linear(std::initializer_list<tensor::StoredMatrix> weights, std::initializer_list<tensor::TensorView> biases,
         Precision precision);

  std::int64_t inputs() const { return weight_.inputs(); }
  std::int64_t outputs() const { return weight_.outputs(); }
  /// Type that x must have.
  tensor::DType input_type() const { return ops::input_dtype(weight_.arithmetic()); }
  /// Memory held beyond the borrowed tensors.
  std::int64_t owned_bytes() const;
  std::string kernel() const { return weight_.kernel(); }

  /// y = x W^T + b. x [M, K] of input_type(); y f32 [M, N].
  void forward(tensor::ConstMatrix x_MK, tensor::Matrix y_MN) const { ops::matmul(x_MK, weight_, bias_, y_MN); }
  /// y = y + x W^T + b: a residual connection.
  void add_to(tensor::ConstMatrix x_MK, tensor::Matrix y_MN) const { ops::matmul(x_MK, weight_, bias_, y_MN, true); }

 private:
  std::vector<tensor::Tensor> rounded_;  // bf16 copies of f32 weights, where the precision asks for 16 bits
  ops::Weight weight_;
  std::vector<float> bias_;
};

}  // namespace e5v::nn
