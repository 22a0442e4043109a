#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ops/attention.h"
#include "ops/dropout.h"
#include "ops/matmul.h"
#include "ops/optimizer.h"
#include "ops/rotary.h"
#include "tensor/device.h"
#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::ops {

/// Activations of single elements.
enum class Pointwise { quick_gelu, gelu, gelu_tanh };

/// The parameters of dropout's kernels.
struct DropoutRule {
  std::uint32_t limit;  ///< halves of random numbers below it drop an element
  float scale;          ///< factor of the elements that stay
  DropoutKey key;
};

/// The accelerator's half of the ops: it does what the functions of the same names do, with matrices in its memory.
/// These functions have checked the arguments. Matrices and pointers to floats are in the accelerator's memory. Spans
/// are in the host's memory, and may be changed after the call.
class Backend : public tensor::Device {
 public:
  /// Makes the calling thread use this accelerator. The thread that opened it does so already.
  virtual void use_on_this_thread() = 0;

  virtual void rms_norm(tensor::ConstMatrix x, const float* gamma, float eps, tensor::Matrix y) = 0;
  virtual void rms_norm_fp8(tensor::ConstMatrix x, const float* gamma, float eps, tensor::Matrix y, FineRows fine,
                            const Fp8Rows& rounded) = 0;
  virtual void layer_norm(tensor::ConstMatrix x, const float* gamma, const float* beta, float eps,
                          tensor::Matrix y) = 0;
  virtual void l2_normalize(tensor::ConstMatrix x, tensor::Matrix y) = 0;
  /// dgamma and dbeta may be null.
  virtual void rms_norm_backward(tensor::ConstMatrix x, const float* gamma, float eps, tensor::ConstMatrix dy,
                                 tensor::Matrix dx, float* dgamma) = 0;
  virtual void layer_norm_backward(tensor::ConstMatrix x, const float* gamma, float eps, tensor::ConstMatrix dy,
                                   tensor::Matrix dx, float* dgamma, float* dbeta) = 0;

  /// x is f32|bf16 here and below, where CPUs take only f32: gate_up, the rows of rotary, attention's q, k and v.
  virtual void pointwise(Pointwise function, tensor::ConstMatrix x, tensor::Matrix y) = 0;
  virtual void pointwise_backward(Pointwise function, tensor::ConstMatrix x, tensor::ConstMatrix dy,
                                  tensor::Matrix dx) = 0;
  virtual void swiglu(tensor::ConstMatrix gate_up, tensor::Matrix y) = 0;
  virtual void swiglu_fp8(tensor::ConstMatrix gate_up, tensor::Matrix y, FineRows fine, const Fp8Rows& rounded) = 0;
  virtual void swiglu_backward(tensor::ConstMatrix gate_up, tensor::ConstMatrix dy, tensor::Matrix dgate_up,
                               bool add) = 0;

  /// direction is 1, or -1 to rotate back.
  virtual void rotary(tensor::Matrix x, std::span<const std::int32_t> positions, const RotaryTable& table,
                      float direction) = 0;
  virtual void attention(const AttentionArguments& arguments, const AttentionPlan& plan) = 0;
  virtual void attention_backward(const AttentionGradients& arguments, const AttentionPlan& plan) = 0;
  /// y = x after dropout, or += with add. names have the meaning of ops::dropout.
  virtual void dropout(tensor::ConstMatrix x, const DropoutRule& rule, std::span<const std::uint64_t> names,
                       tensor::Matrix y, bool add) = 0;

  /// y = scale x.
  virtual void convert(tensor::ConstMatrix x, float scale, tensor::Matrix y) = 0;
  virtual void gather_rows(tensor::ConstMatrix table, std::span<const std::int32_t> indices, tensor::Matrix y) = 0;
  /// y[to[i]] = x[from[i]], or += in the order of i with add. An empty list means 0, 1, ...; a negative `to` is
  /// skipped.
  virtual void move_rows(tensor::ConstMatrix x, std::span<const std::int64_t> from, std::span<const std::int64_t> to,
                         tensor::Matrix y, bool add) = 0;
  /// sums[j] += x[0][j] + x[1][j] + ..., in an order that depends only on the shape.
  virtual void add_column_sums(tensor::ConstMatrix x, float* sums) = 0;
  virtual void add(tensor::ConstMatrix x, tensor::Matrix y) = 0;
  virtual void fill(tensor::Matrix y, float value) = 0;
  virtual void unfold_patches(std::span<const std::uint8_t> tiles, std::int64_t edge, std::int64_t patch,
                              std::span<const std::array<float, 256>, 3> table, tensor::Matrix y) = 0;
  virtual void place_patches(tensor::ConstMatrix patches, const float* class_token, tensor::ConstMatrix positions,
                             tensor::Matrix y) = 0;

  /// The form in which it multiplies a weight. It borrows the parts, which are in its memory. Products write f32 or
  /// bf16, and accumulate only in f32. Under fp8 the fine rows are multiplied in bf16; `rounded` then has the others,
  /// or nothing. Gradients are read as f32 or bf16.
  virtual std::unique_ptr<WeightForm> prepare(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic) = 0;
  virtual void weight_gradient(tensor::ConstMatrix dy, tensor::ConstMatrix x, float scale, tensor::Matrix dw) = 0;
  virtual void multiply(tensor::ConstMatrix x, tensor::ConstMatrix w, float scale, tensor::Matrix y, bool add) = 0;
  virtual void multiply_backward(tensor::ConstMatrix dy, tensor::ConstMatrix w, float scale, tensor::Matrix dx,
                                 bool add) = 0;

  /// A step of ops::adamw for one tensor.
  virtual void adamw(const AdamWFactors& factors, float* values, const float* gradient, float* mean, float* square,
                     std::int64_t count) = 0;
  /// The sum of all squares in all lists, in double and in an order that depends only on their lengths.
  virtual double square_sum(std::span<const std::span<const float>> lists) = 0;
  /// x *= factor.
  virtual void scale(float* x, std::int64_t count, float factor) = 0;
};

/// The open accelerator. Throws DeviceError when there is none.
Backend& backend();

inline bool on_device(tensor::ConstMatrix x) { return x.place == tensor::Place::device; }

}  // namespace e5v::ops
