#pragma once
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "nn/lora.h"
#include "nn/pass.h"
#include "nn/precision.h"
#include "ops/matmul.h"

namespace e5v::nn {

/// The input of a Linear: rows, and the same rows rounded, if the operation that made them has rounded them.
struct Input {
  tensor::ConstMatrix x_MK;  ///< with rounded rows, only the fine rows need be here
  ops::Fp8Rows rounded_MK = {};

  Input(tensor::ConstMatrix x) : x_MK(x) {}  // NOLINT(google-explicit-constructor): most rows are not rounded
  Input(tensor::Matrix x) : x_MK(x) {}       // NOLINT(google-explicit-constructor)
  Input(tensor::ConstMatrix x, const ops::Fp8Rows& rounded) : x_MK(x), rounded_MK(rounded) {}
};

class Linear;
/// The layers that read the result of an operation, all with the same type.
using Readers = std::initializer_list<std::reference_wrapper<const Linear>>;

/// Memory for the rows that an operation makes for its readers in a pass.
struct Made {
  tensor::Matrix y_MK;
  ops::Fp8Rows rounded_MK;  ///< rounded rows, if a reader takes them
  ops::FineRows kept;       ///< the rows of y that are read in addition

  Input input() const { return {y_MK, rounded_MK}; }
};
Made make_for(Readers readers, const Pass& pass, std::int64_t rows);

/// y = x W^T + b with W in the form that the precision asks for. W may be stacked from several tensors of a checkpoint
/// (keys over values, gate over up), so that one pass over x computes all of them. Borrows the tensors unless it must
/// convert them.
class Linear {
 public:
  /// weights [N_i, K] of one format; biases [N_i], as many as weights, or none. Throws InvalidInput when they do not
  /// fit; ModelError when stacked weights ask for different roundings of their input, or for one that their device does
  /// not support.
  Linear(std::initializer_list<tensor::StoredMatrix> weights, Precision precision) : Linear(weights, {}, precision) {}
  Linear(std::initializer_list<tensor::StoredMatrix> weights, std::initializer_list<tensor::TensorView> biases,
         Precision precision);

  std::int64_t inputs() const { return weight_.inputs(); }
  std::int64_t outputs() const { return weight_.outputs(); }
  /// The type that x must have.
  tensor::DType input_type() const { return ops::input_dtype(weight_.arithmetic()); }
  /// A suitable type of y when the next operation rounds it again.
  tensor::DType result_type() const { return weight_.result_dtype(); }
  tensor::Place place() const { return weight_.place(); }
  /// Treats all rows like the fine rows of a pass.
  void read_finely() { fine_ = true; }
  /// Whether a pass may give it rows of 8-bit floats. It may not when all rows are fine, or when a tape, an adapter or
  /// an observer reads the rows.
  bool takes_rounded(const Pass& pass) const;
  /// The memory that is held in addition to the borrowed tensors.
  std::int64_t owned_bytes() const;
  std::string kernel() const { return weight_.kernel(); }

  /// Computes y = x W^T + b and adds the adapters' results. Adapters read x, weights read x with their rounding. x [M,
  /// K] of input_type() must not be overwritten before the pass's tape is rewound; y [M, N], f32 or of result_type().
  void forward(const Pass& pass, const Input& x_MK, tensor::Matrix y_MN) const { run(pass, x_MK, y_MN, false); }
  /// The same, in a new matrix of the pass of result_type().
  tensor::Matrix forward(const Pass& pass, const Input& x_MK) const;
  /// Computes y = y + x W^T + b, a residual connection.
  void add_to(const Pass& pass, const Input& x_MK, tensor::Matrix y_MN) const { run(pass, x_MK, y_MN, true); }
  /// add_to as the last step of a block. When the pass is repeated for its backward pass, nothing reads y, and y is
  /// left unchanged.
  void finish(const Pass& pass, const Input& x_MK, tensor::Matrix y_MN) const;

  /// Adds an adapter to the rows of one of the stacked weights. It is borrowed; null removes it. Throws InvalidInput
  /// when shapes do not fit.
  void attach(std::size_t part, const Lora* adapter);

 private:
  /// One of the stacked weights: rows [begin, begin + count) of W.
  struct Part {
    tensor::TensorView values, bias;  // views of the checkpoint, which identify them on a tape
    std::int64_t begin = 0, count = 0;
    const Lora* adapter = nullptr;
  };
  /// What adapters keep for their backward pass, for each part.
  using Seen = std::vector<Lora::Seen>;
  std::span<const float> bias() const {
    if (bias_.data() == nullptr) return {};
    return bias_.as<float>();
  }
  ops::FineRows fine_rows(const Pass& pass) const { return fine_ ? ops::FineRows{.all = true} : pass.rows.fine; }
  void run(const Pass& pass, const Input& x_MK, tensor::Matrix y_MN, bool add) const;
  /// x with the rounding that the weights ask for.
  tensor::ConstMatrix rounded_inputs(const Pass& pass, tensor::ConstMatrix x_MK) const;
  void adapt_and_record(const Pass& pass, tensor::ConstMatrix x_MK, tensor::Matrix y_MN) const;
  void backward(const Pass& pass, tensor::ConstMatrix x_MK, const Seen& seen, tensor::Matrix y_MN) const;

  std::vector<Part> parts_;
  std::vector<tensor::Tensor> rounded_;  // bf16 copies of f32 weights, if the precision asks for 16 bits
  ops::Weight weight_;
  tensor::InputRounding inputs_;  // none if the precision omits it
  bool fine_ = false;
  tensor::Tensor bias_;  // f32 [N], or nothing
};

}  // namespace e5v::nn
