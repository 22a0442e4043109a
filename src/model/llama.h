#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "model/checkpoint.h"
#include "model/config.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "ops/rotary.h"
#include "tensor/arena.h"

namespace e5v::model {

/// The tensors of a block in a checkpoint.
struct LlamaBlockWeights {
  tensor::TensorView input_norm;        ///< [D]
  tensor::StoredMatrix q, k, v, o;      ///< [H E, D], [K E, D], [K E, D], [D, H E]
  tensor::TensorView attention_norm;    ///< [D], between attention and MLP
  tensor::StoredMatrix gate, up, down;  ///< [F, D], [F, D], [D, F]
};

/// The tensors of a language model. They are views; the checkpoint or another owner keeps the memory.
struct LlamaWeights {
  tensor::TensorView embedding;  ///< [V, D]
  std::vector<LlamaBlockWeights> blocks;
  tensor::TensorView norm;  ///< [D]

  /// Throws ModelError for missing tensors and for shapes that contradict the config.
  static LlamaWeights from(const Checkpoint& checkpoint, const LlamaConfig& config);
};

using nn::PackedRows;

/// One pre-norm block. Source: arXiv:2302.13971, section 2.2.
class LlamaBlock {
 public:
  LlamaBlock(const LlamaBlockWeights& weights, const LlamaConfig& config, nn::Precision precision);

  /// Computes x = x + attention(norm(x)); x = x + mlp(norm(x)) for the rows of `queries`, into y. For the other rows of
  /// x f32 [T, D] only keys and values are computed. When all rows are queries, y is x.
  void forward(const nn::Pass& all, tensor::ConstMatrix x_TD, const nn::Pass& queries, tensor::Matrix y_QD) const;
  /// The same for all rows of a pass, in place.
  void forward(const nn::Pass& all, tensor::Matrix x_TD) const { forward(all, x_TD, all, x_TD); }

  /// Adds an adapter to a matrix of the block, which has its name in the checkpoint: "self_attn.q_proj". Borrowed.
  /// Throws InvalidInput for other names and for shapes that do not fit.
  void attach(std::string_view matrix, const nn::Lora* adapter);

  std::int64_t owned_bytes() const;
  std::string kernel() const { return down_.kernel(); }

 private:
  void add_attention(const nn::Pass& all, tensor::ConstMatrix x_TD, const nn::Pass& queries, tensor::Matrix y_QD) const;
  void add_mlp(const nn::Pass& pass, tensor::Matrix x_QD) const;

  nn::RmsNorm input_norm_, mlp_norm_;
  nn::Attention attention_;
  nn::Linear q_, kv_, o_, gate_up_, down_;
};

/// The language model without its head. Input: embedded tokens; output: last hidden states.
class Llama {
 public:
  Llama(const LlamaWeights& weights, const LlamaConfig& config, nn::Precision precision);

  const LlamaConfig& config() const { return config_; }

  /// Computes x[t] = embedding of ids_T[t] for every id except -1. x_TD f32 [T, D]; a tape watches it. Throws
  /// InvalidInput for ids above the vocabulary.
  void embed(std::span<const std::int32_t> ids_T, tensor::Matrix x_TD, const nn::Pass& pass) const;

  /// Computes the hidden states of the pooled rows after the final norm: transformers' hidden_states[-1]. x_TD f32 [T,
  /// D] is consumed; y_PD f32 [P, D]. A tape watches x and y; rows must then live until it is rewound. Only the input
  /// of each block is kept, and the block is computed once more for its backward pass.
  void forward(tensor::Matrix x_TD, const PackedRows& rows, tensor::Matrix y_PD, const nn::Pass& pass) const;

  /// Adds an adapter to its matrix. Borrowed. Throws InvalidInput when there is no such matrix.
  void attach(const nn::Lora& adapter);

  /// The angles of at least `positions` positions.
  std::shared_ptr<const ops::RotaryTable> rotary(std::int64_t positions) const { return rotary_.covering(positions); }
  /// The rotary table of a batch. The positions of its rows are indices into the table.
  std::shared_ptr<const ops::RotaryTable> rotary(const PackedRows& rows) const;

  /// The memory that is held in addition to the checkpoint's mapped pages.
  std::int64_t owned_bytes() const;
  /// The name of the GEMMs' kernel.
  std::string kernel() const { return blocks_.front().kernel(); }

 private:
  LlamaConfig config_;
  tensor::TensorView embedding_;
  std::vector<LlamaBlock> blocks_;
  nn::RmsNorm norm_;
  ops::GrowingRotaryTable rotary_;
};

}  // namespace e5v::model
