#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "model/checkpoint.h"
#include "model/config.h"
#include "nn/functions.h"
#include "nn/linear.h"
#include "ops/attention.h"
#include "ops/rotary.h"
#include "tensor/arena.h"

namespace e5v::model {

/// The tensors of one block as a checkpoint holds them.
struct LlamaBlockWeights {
  tensor::TensorView input_norm;        ///< [D]
  tensor::StoredMatrix q, k, v, o;      ///< [H E, D], [K E, D], [K E, D], [D, H E]
  tensor::TensorView attention_norm;    ///< [D], between attention and MLP
  tensor::StoredMatrix gate, up, down;  ///< [F, D], [F, D], [D, F]
};

/// The tensors of a language model; views that the checkpoint (or whoever made them) keeps alive.
struct LlamaWeights {
  tensor::TensorView embedding;  ///< [V, D]
  std::vector<LlamaBlockWeights> blocks;
  tensor::TensorView norm;  ///< [D]

  /// Throws ModelError for missing tensors and for shapes that contradict the config.
  static LlamaWeights from(const Checkpoint& checkpoint, const LlamaConfig& config);
};

/// A packed batch: sequences (or the branches of a forest of them) as rows of one matrix, without padding.
struct PackedRows {
  std::vector<std::int32_t> positions_T;         ///< of each row in the rotary table (Llama::rotary)
  ops::AttentionPlan plan;                       ///< every row as query
  std::vector<std::int64_t> pooled_P;            ///< the rows whose last hidden state is wanted
  std::vector<std::int32_t> pooled_positions_P;  ///< their positions
  ops::AttentionPlan pooled_plan;                ///< the same nodes, with the pooled rows as queries
  std::vector<std::uint64_t> names_T;            ///< unique numbers of the rows, only for passes with dropout
  std::vector<std::uint64_t> pooled_names_P;     ///< those of the pooled rows
  /// What the rows of the rotary table are for; empty: row i is for position i of a sequence.
  std::vector<ops::RotaryPosition> rotary_positions;
};

/// One pre-norm block. Source: arXiv:2302.13971, section 2.2.
class LlamaBlock {
 public:
  /// Where activations enter the block's matrices: q, k and v; o; gate and up; down.
  enum class Tap { attention, output, mlp, down };
  using Observer = std::function<void(Tap, tensor::ConstMatrix)>;

  LlamaBlock(const LlamaBlockWeights& weights, const LlamaConfig& config, nn::Precision precision);

  /// x = x + attention(norm(x)); x = x + mlp(norm(x)) for every row.
  void forward(tensor::Matrix x_TD, const PackedRows& rows, const ops::RotaryTable& table, const nn::Pass& pass) const;

  /// The same for the pooled rows alone, written to y_PD; of the others only keys and values are computed.
  void forward_pooled(tensor::ConstMatrix x_TD, const PackedRows& rows, const ops::RotaryTable& table,
                      tensor::Matrix y_PD, const nn::Pass& pass) const;

  /// Adds an adapter to one of the block's matrices, named as in the checkpoint: "self_attn.q_proj". Borrowed. Throws
  /// InvalidInput for other names and for shapes that do not fit.
  void attach(std::string_view matrix, const nn::Lora* adapter);

  /// Has every forward() show what enters the matrices, in the order of the taps.
  void observe(Observer observer) { observer_ = std::move(observer); }

  std::int64_t owned_bytes() const;
  std::string kernel() const { return down_.kernel(); }

 private:
  void show(Tap tap, tensor::ConstMatrix x) const;
  tensor::Matrix keys_values(tensor::ConstMatrix h_TD, const PackedRows& rows, const ops::RotaryTable& table,
                             const nn::Pass& pass) const;
  void add_attention(const nn::Input& h_QD, tensor::ConstMatrix kv_TC, const std::vector<std::int32_t>& positions_Q,
                     const ops::AttentionPlan& plan, const ops::RotaryTable& table, tensor::Matrix x_QD,
                     const nn::Pass& pass) const;
  void add_mlp(tensor::Matrix x_TD, const nn::Pass& pass) const;

  std::int64_t heads_, kv_heads_, head_width_;
  bool bf16_attention_;
  float eps_;
  nn::Vector input_norm_, attention_norm_;
  nn::Linear q_, kv_, o_, gate_up_, down_;
  Observer observer_;
};

/// The language model without its head: embedded tokens in, last hidden states out.
class Llama {
 public:
  Llama(const LlamaWeights& weights, const LlamaConfig& config, nn::Precision precision);

  const LlamaConfig& config() const { return config_; }

  /// x[t] = embedding of ids_T[t], for every id but -1. x_TD f32 [T, D]; a tape watches it. Throws InvalidInput for
  /// ids above the vocabulary.
  void embed(std::span<const std::int32_t> ids_T, tensor::Matrix x_TD, const nn::Pass& pass) const;

  /// Hidden states of the pooled rows after the final norm: transformers' hidden_states[-1].
  /// x_TD f32 [T, D], consumed; y_PD f32 [P, D]. With a tape, which watches x and y, rows must live until it is
  /// rewound; of each block only the input is kept, and the block is computed once more for its backward pass.
  void forward(tensor::Matrix x_TD, const PackedRows& rows, tensor::Matrix y_PD, const nn::Pass& pass) const;

  /// Adds an adapter to the matrix that it is for. Borrowed. Throws InvalidInput when there is no such matrix.
  void attach(const nn::Lora& adapter);

  /// The angles of at least so many positions.
  std::shared_ptr<const ops::RotaryTable> rotary(std::int64_t positions) const { return rotary_.covering(positions); }
  /// The table that the positions of a batch's rows are indices into.
  std::shared_ptr<const ops::RotaryTable> rotary(const PackedRows& rows) const;

  /// Memory held beyond the checkpoint's mapped pages.
  std::int64_t owned_bytes() const;
  /// Name of the kernel behind the GEMMs.
  std::string kernel() const { return blocks_.front().kernel(); }

 private:
  LlamaConfig config_;
  tensor::TensorView embedding_;
  std::vector<LlamaBlock> blocks_;
  nn::Vector norm_;
  ops::GrowingRotaryTable rotary_;
};

}  // namespace e5v::model
