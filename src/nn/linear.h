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

/// What a Linear reads: rows, and the same rows rounded, where the operation that made them has done that for it.
struct Input {
  tensor::ConstMatrix x_MK;  ///< beside rounded rows, only its fine ones need be there
  ops::Fp8Rows rounded_MK = {};

  Input(tensor::ConstMatrix x) : x_MK(x) {}  // NOLINT(google-explicit-constructor): most rows are not rounded
  Input(tensor::Matrix x) : x_MK(x) {}       // NOLINT(google-explicit-constructor)
  Input(tensor::ConstMatrix x, const ops::Fp8Rows& rounded) : x_MK(x), rounded_MK(rounded) {}
};

class Linear;
/// The layers that read what an operation makes, all in one type.
using Readers = std::initializer_list<std::reference_wrapper<const Linear>>;

/// Memory for rows that an operation makes for its readers in a pass.
struct Made {
  tensor::Matrix y_MK;
  ops::Fp8Rows rounded_MK;  ///< to be made as well, where some reader takes its rows so
  ops::FineRows kept;       ///< beside those, the rows of y that are read

  Input input() const { return {y_MK, rounded_MK}; }
};
Made make_for(Readers readers, const Pass& pass, std::int64_t rows);

/// y = x W^T + b with W in the form that the precision asks for. W may be stacked from several tensors of a checkpoint
/// (keys over values, gate over up), so that one pass over x serves them all. Borrows the tensors unless it must
/// convert them.
class Linear {
 public:
  /// weights [N_i, K] of one format; biases [N_i], as many as weights, or none. Throws InvalidInput when they do not
  /// fit; ModelError when weights ask for unlike roundings of what they share, or for one that their place has not.
  Linear(std::initializer_list<tensor::StoredMatrix> weights, Precision precision) : Linear(weights, {}, precision) {}
  Linear(std::initializer_list<tensor::StoredMatrix> weights, std::initializer_list<tensor::TensorView> biases,
         Precision precision);

  std::int64_t inputs() const { return weight_.inputs(); }
  std::int64_t outputs() const { return weight_.outputs(); }
  /// Type that x must have.
  tensor::DType input_type() const { return ops::input_dtype(weight_.arithmetic()); }
  /// Type that suits y where an operation reads it that rounds again.
  tensor::DType result_type() const { return weight_.result_dtype(); }
  tensor::Place place() const { return weight_.place(); }
  /// Has all rows read as the fine ones of a pass are.
  void read_finely() { fine_ = true; }
  /// Whether a pass may give it rows of 8-bit floats: where not all rows are fine, nor read as they are by a tape, an
  /// adapter or an observer.
  bool takes_rounded(const Pass& pass) const;
  /// Memory held beyond the borrowed tensors.
  std::int64_t owned_bytes() const;
  std::string kernel() const { return weight_.kernel(); }

  /// y = x W^T + b, and what adapters add; adapters see x as it is, the weights as they want it rounded. x [M, K] of
  /// input_type(), not overwritten before the pass's tape is rewound; y [M, N], f32 or of result_type().
  void forward(const Pass& pass, const Input& x_MK, tensor::Matrix y_MN) const { run(pass, x_MK, y_MN, false); }
  /// The same, in a matrix of result_type() of the pass.
  tensor::Matrix forward(const Pass& pass, const Input& x_MK) const;
  /// y = y + x W^T + b: a residual connection.
  void add_to(const Pass& pass, const Input& x_MK, tensor::Matrix y_MN) const { run(pass, x_MK, y_MN, true); }
  /// add_to as a block's last step: when the pass is repeated for its backward pass, nobody reads y, and it stays.
  void finish(const Pass& pass, const Input& x_MK, tensor::Matrix y_MN) const;

  /// Adds an adapter to the rows of one of the stacked weights. It is borrowed; null takes it away. Throws InvalidInput
  /// when shapes do not fit.
  void attach(std::size_t part, const Lora* adapter);

 private:
  /// One of the stacked weights: rows [begin, begin + count) of W.
  struct Part {
    tensor::TensorView values, bias;  // as the checkpoint has them: their names on a tape
    std::int64_t begin = 0, count = 0;
    const Lora* adapter = nullptr;
  };
  /// What adapters keep for their backward pass, part by part.
  using Seen = std::vector<Lora::Seen>;
  std::span<const float> bias() const {
    if (bias_.data() == nullptr) return {};
    return bias_.as<float>();
  }
  ops::FineRows fine_rows(const Pass& pass) const { return fine_ ? ops::FineRows{.all = true} : pass.rows.fine; }
  void run(const Pass& pass, const Input& x_MK, tensor::Matrix y_MN, bool add) const;
  /// x, rounded as the weights ask for.
  tensor::ConstMatrix rounded_inputs(const Pass& pass, tensor::ConstMatrix x_MK) const;
  void adapt_and_record(const Pass& pass, tensor::ConstMatrix x_MK, tensor::Matrix y_MN) const;
  void backward(const Pass& pass, tensor::ConstMatrix x_MK, const Seen& seen, tensor::Matrix y_MN) const;

  std::vector<Part> parts_;
  std::vector<tensor::Tensor> rounded_;  // bf16 copies of f32 weights, where the precision asks for 16 bits
  ops::Weight weight_;
  tensor::InputRounding inputs_;  // none where the precision leaves it out
  bool fine_ = false;
  tensor::Tensor bias_;  // f32 [N], or nothing
};

}  // namespace e5v::nn
