// Legend: T packed rows, P pooled rows, Q query rows (all or pooled), D model width, H heads, K kv heads, E head width,
// F MLP width, C = 2 K E columns of keys beside values, V vocabulary.
#include "model/llama.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/adapter_sites.h"
#include "model/rope.h"
#include "nn/repeatable.h"
#include "ops/rows.h"

namespace e5v::model {
namespace {

using tensor::DType;
using tensor::Matrix;

ops::GrowingRotaryTable rotary_table(const LlamaConfig& config) {
  RotaryFrequencies frequencies = rotary_frequencies(config);
  return ops::GrowingRotaryTable(std::move(frequencies.inverse), frequencies.scale);
}

}  // namespace

LlamaWeights LlamaWeights::from(const Checkpoint& checkpoint, const LlamaConfig& c) {
  const std::int64_t D = c.width, HE = c.heads * c.head_width, KE = c.kv_heads * c.head_width, F = c.mlp_width;
  LlamaWeights weights;
  weights.embedding = checkpoint.table("language_model.embed_tokens.weight", {c.vocabulary, D});
  weights.norm = checkpoint.tensor("language_model.norm.weight", {D});
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const std::string prefix = fmt::format("language_model.layers.{}.", layer);
    const auto norm = [&](const char* name) { return checkpoint.tensor(prefix + name + ".weight", {D}); };
    const auto matrix = [&](const char* name, std::int64_t outputs, std::int64_t inputs) {
      return checkpoint.matrix(prefix + name + ".weight", outputs, inputs);
    };
    LlamaBlockWeights block;
    block.input_norm = norm("input_layernorm");
    block.q = matrix("self_attn.q_proj", HE, D);
    block.k = matrix("self_attn.k_proj", KE, D);
    block.v = matrix("self_attn.v_proj", KE, D);
    block.o = matrix("self_attn.o_proj", D, HE);
    block.attention_norm = norm("post_attention_layernorm");
    block.gate = matrix("mlp.gate_proj", F, D);
    block.up = matrix("mlp.up_proj", F, D);
    block.down = matrix("mlp.down_proj", D, F);
    weights.blocks.push_back(block);
  }
  return weights;
}

LlamaBlock::LlamaBlock(const LlamaBlockWeights& weights, const LlamaConfig& config, nn::Precision precision)
    : heads_(config.heads),
      kv_heads_(config.kv_heads),
      head_width_(config.head_width),
      bf16_attention_(nn::bf16_attention(precision, weights.q.values.place)),
      eps_(config.rms_eps),
      input_norm_(weights.input_norm),
      attention_norm_(weights.attention_norm),
      q_({weights.q}, precision),
      kv_({weights.k, weights.v}, precision),
      o_({weights.o}, precision),
      gate_up_({weights.gate, weights.up}, precision),
      down_({weights.down}, precision) {}

void LlamaBlock::forward(Matrix x_TD, const PackedRows& rows, const ops::RotaryTable& table,
                         const nn::Pass& pass) const {
  {
    const nn::Pass::Scope scope(pass);
    // Keys and values are made of all rows as they are.
    const nn::Input h_TD = nn::rms_norm_for(q_, pass, x_TD, input_norm_, eps_, {.all = true});
    const Matrix kv_TC = keys_values(h_TD.x_MK, rows, table, pass);
    add_attention(h_TD, kv_TC, rows.positions_T, rows.plan, table, x_TD, pass);
  }
  add_mlp(x_TD, pass);
}

void LlamaBlock::forward_pooled(tensor::ConstMatrix x_TD, const PackedRows& rows, const ops::RotaryTable& table,
                                Matrix y_PD, const nn::Pass& pass) const {
  const nn::Pass pooled = pass.naming(rows.pooled_names_P).with_fine({.all = true});
  nn::select_rows(pass, x_TD, rows.pooled_P, y_PD);
  {
    const nn::Pass::Scope scope(pass);
    const Matrix h_TD = pass.matrix(q_.input_type(), x_TD.rows, x_TD.columns);
    nn::rms_norm(pass, x_TD, input_norm_, eps_, h_TD);
    const Matrix kv_TC = keys_values(h_TD, rows, table, pass);
    const Matrix h_PD = pass.matrix(h_TD.dtype, y_PD.rows, y_PD.columns);
    nn::select_rows(pass, h_TD, rows.pooled_P, h_PD);
    add_attention(h_PD, kv_TC, rows.pooled_positions_P, rows.pooled_plan, table, y_PD, pooled);
  }
  add_mlp(y_PD, pooled);
}

void LlamaBlock::attach(std::string_view matrix, const nn::Lora* adapter) {
  struct Place {
    std::string_view name;
    nn::Linear& linear;
    std::size_t part;
  };
  for (const Place& place :
       {Place{"self_attn.q_proj", q_, 0}, Place{"self_attn.k_proj", kv_, 0}, Place{"self_attn.v_proj", kv_, 1},
        Place{"self_attn.o_proj", o_, 0}, Place{"mlp.gate_proj", gate_up_, 0}, Place{"mlp.up_proj", gate_up_, 1},
        Place{"mlp.down_proj", down_, 0}}) {
    if (matrix == place.name) return place.linear.attach(place.part, adapter);
  }
  fail<InvalidInput>("[llama] a block has no matrix {} to adapt", matrix);
}

void LlamaBlock::show(Tap tap, tensor::ConstMatrix x) const {
  if (observer_) observer_(tap, x);
}

Matrix LlamaBlock::keys_values(tensor::ConstMatrix h_TD, const PackedRows& rows, const ops::RotaryTable& table,
                               const nn::Pass& pass) const {
  show(Tap::attention, h_TD);
  const Matrix kv_TC = pass.matrix(kv_.result_type(), h_TD.rows, kv_.outputs());
  kv_.forward(pass.with_fine({.all = true}), h_TD, kv_TC);  // later rows read all of them, and they have few columns
  nn::rotary(pass, kv_TC.column_range(0, kv_heads_ * head_width_), rows.positions_T, table);
  return kv_TC;
}

void LlamaBlock::add_attention(const nn::Input& h_QD, tensor::ConstMatrix kv_TC,
                               const std::vector<std::int32_t>& positions_Q, const ops::AttentionPlan& plan,
                               const ops::RotaryTable& table, Matrix x_QD, const nn::Pass& pass) const {
  const Matrix q_QHE = pass.matrix(q_.result_type(), x_QD.rows, q_.outputs());
  const Matrix mixed_QHE = pass.matrix(o_.input_type(), x_QD.rows, q_.outputs());
  q_.forward(pass, h_QD, q_QHE);
  nn::rotary(pass, q_QHE, positions_Q, table);
  const std::int64_t KE = kv_heads_ * head_width_;
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_width_));
  nn::attention(pass,
                {q_QHE, kv_TC.column_range(0, KE), kv_TC.column_range(KE, KE), mixed_QHE, heads_, kv_heads_, scale,
                 bf16_attention_},
                plan);
  show(Tap::output, mixed_QHE);
  o_.add_to(pass, mixed_QHE, x_QD);
}

void LlamaBlock::add_mlp(Matrix x_TD, const nn::Pass& pass) const {
  const nn::Pass::Scope scope(pass);
  const ops::FineRows kept = observer_ ? ops::FineRows{.all = true} : pass.fine_rows;
  const nn::Input h_TD = nn::rms_norm_for(gate_up_, pass, x_TD, attention_norm_, eps_, kept);
  const Matrix gate_up_TG = pass.matrix(gate_up_.result_type(), x_TD.rows, gate_up_.outputs());
  show(Tap::mlp, h_TD.x_MK);
  gate_up_.forward(pass, h_TD, gate_up_TG);
  const nn::Input inner_TF = nn::swiglu_for(down_, pass, gate_up_TG, kept);
  show(Tap::down, inner_TF.x_MK);
  down_.finish(pass, inner_TF, x_TD);
}

std::int64_t LlamaBlock::owned_bytes() const {
  return q_.owned_bytes() + kv_.owned_bytes() + o_.owned_bytes() + gate_up_.owned_bytes() + down_.owned_bytes();
}

Llama::Llama(const LlamaWeights& weights, const LlamaConfig& config, nn::Precision precision)
    : config_(config), embedding_(weights.embedding), norm_(weights.norm), rotary_(rotary_table(config)) {
  require<ModelError>(!weights.blocks.empty(), "[llama] a language model needs at least one block");
  blocks_.reserve(weights.blocks.size());
  for (const LlamaBlockWeights& block : weights.blocks) blocks_.emplace_back(block, config, precision);
}

void Llama::embed(std::span<const std::int32_t> ids_T, Matrix x_TD, const nn::Pass& pass) const {
  ops::gather_rows(embedding_, ids_T, x_TD);
  if (pass.tape == nullptr) return;
  const auto table_gradient = pass.tape->gradient(matrix_of(embedding_));
  if (!table_gradient) return;
  pass.tape->record([=, rows = std::vector<std::int64_t>(ids_T.begin(), ids_T.end()), &tape = *pass.tape] {
    ops::add_rows(*tape.gradient(x_TD), rows, *table_gradient);
  });
}

std::shared_ptr<const ops::RotaryTable> Llama::rotary(const PackedRows& rows) const {
  if (!rows.rotary_positions.empty()) return rotary_.of(rows.rotary_positions);
  return rotary_.covering(*std::max_element(rows.positions_T.begin(), rows.positions_T.end()) + 1);
}

void Llama::forward(Matrix x_TD, const PackedRows& rows, Matrix y_PD, const nn::Pass& pass) const {
  if (rows.positions_T.empty()) return;
  const nn::Pass::Scope scope(pass);
  const nn::Pass named = pass.naming(rows.names_T).with_fine({rows.pooled_P});
  const auto table = rotary(rows);
  for (std::size_t i = 0; i + 1 < blocks_.size(); ++i) {
    nn::repeatable(named, x_TD, x_TD, [&rows, table, &block = blocks_[i]](Matrix x, Matrix, const nn::Pass& inner) {
      block.forward(x, rows, *table, inner);
    });
  }
  const Matrix last_PD = pass.matrix(DType::f32, y_PD.rows, y_PD.columns);
  nn::repeatable(named, x_TD, last_PD,
                 [&rows, table, &block = blocks_.back()](Matrix x, Matrix y, const nn::Pass& inner) {
                   block.forward_pooled(x, rows, *table, y, inner);
                 });
  nn::rms_norm(pass, last_PD, norm_, config_.rms_eps, y_PD);
}

void Llama::attach(const nn::Lora& adapter) {
  const auto found = layer_matrix(adapter.target, "language_model.layers.");
  require(found && found->layer < blocks_.size(), "[llama] an adapter is for {}, but the model has {} layers",
          adapter.target, blocks_.size());
  blocks_[found->layer].attach(found->matrix, &adapter);
}

std::int64_t Llama::owned_bytes() const {
  std::int64_t bytes = 0;
  for (const LlamaBlock& block : blocks_) bytes += block.owned_bytes();
  return bytes;
}

}  // namespace e5v::model
