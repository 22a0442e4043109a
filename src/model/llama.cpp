// Legend: T packed rows, P pooled rows, Q query rows (all or pooled), D model width, H heads, K kv heads, E head width,
// F MLP width, G = 2 F columns (gates, then ups), C = 2 K E columns (keys, then values), V vocabulary.
#include "model/llama.h"

#include <algorithm>
#include <utility>

#include "model/adapter_sites.h"
#include "model/rope.h"
#include "nn/blocks.h"

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

LlamaBlock::LlamaBlock(const LlamaBlockWeights& weights, const LlamaConfig& c, nn::Precision precision)
    : input_norm_(weights.input_norm, c.rms_eps),
      mlp_norm_(weights.attention_norm, c.rms_eps),
      attention_(c.heads, c.kv_heads, c.head_width, precision),
      q_({weights.q}, precision),
      kv_({weights.k, weights.v}, precision),
      o_({weights.o}, precision),
      gate_up_({weights.gate, weights.up}, precision),
      down_({weights.down}, precision) {
  kv_.read_finely();  // all later rows read keys and values, and their few columns cost little
}

void LlamaBlock::forward(const nn::Pass& all, tensor::ConstMatrix x_TD, const nn::Pass& queries, Matrix y_QD) const {
  nn::select_rows(queries, x_TD, y_QD);
  add_attention(all, x_TD, queries, y_QD);
  add_mlp(queries, y_QD);
}

void LlamaBlock::add_attention(const nn::Pass& all, tensor::ConstMatrix x_TD, const nn::Pass& queries,
                               Matrix y_QD) const {
  const nn::Pass::Scope scope(all);
  const nn::Input h_TD = input_norm_.forward(all, x_TD, {q_, kv_});
  const Matrix kv_TC = kv_.forward(all, h_TD);
  const Matrix k_TKE = kv_TC.column_range(0, kv_TC.columns / 2);
  const Matrix v_TKE = kv_TC.column_range(kv_TC.columns / 2, kv_TC.columns / 2);
  nn::rotary(all, k_TKE);
  const Matrix q_QHE = q_.forward(queries, nn::select_rows(queries, h_TD));
  nn::rotary(queries, q_QHE);
  o_.add_to(queries, attention_.forward(queries, q_QHE, k_TKE, v_TKE, o_), y_QD);
}

void LlamaBlock::add_mlp(const nn::Pass& pass, Matrix x_QD) const {
  const nn::Pass::Scope scope(pass);
  const nn::Input h_QD = mlp_norm_.forward(pass, x_QD, {gate_up_});
  const Matrix gate_up_QG = gate_up_.forward(pass, h_QD);
  down_.finish(pass, nn::swiglu(pass, gate_up_QG, down_), x_QD);
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

std::int64_t LlamaBlock::owned_bytes() const {
  return q_.owned_bytes() + kv_.owned_bytes() + o_.owned_bytes() + gate_up_.owned_bytes() + down_.owned_bytes();
}

Llama::Llama(const LlamaWeights& weights, const LlamaConfig& config, nn::Precision precision)
    : config_(config),
      embedding_(weights.embedding),
      norm_(weights.norm, config.rms_eps),
      rotary_(rotary_table(config)) {
  require<ModelError>(!weights.blocks.empty(), "[llama] a language model needs at least one block");
  blocks_.reserve(weights.blocks.size());
  for (const LlamaBlockWeights& block : weights.blocks) blocks_.emplace_back(block, config, precision);
}

void Llama::embed(std::span<const std::int32_t> ids_T, Matrix x_TD, const nn::Pass& pass) const {
  nn::gather_rows(pass, embedding_, ids_T, x_TD);
}

std::shared_ptr<const ops::RotaryTable> Llama::rotary(const PackedRows& rows) const {
  if (!rows.rotary_positions.empty()) return rotary_.of(rows.rotary_positions);
  return rotary_.covering(*std::max_element(rows.positions_T.begin(), rows.positions_T.end()) + 1);
}

void Llama::forward(Matrix x_TD, const PackedRows& rows, Matrix y_PD, const nn::Pass& pass) const {
  if (rows.positions_T.empty()) return;
  const nn::Pass::Scope scope(pass);
  const auto table = rotary(rows);
  pass.hold(table);
  const Matrix last_PD = pass.matrix(DType::f32, y_PD.rows, y_PD.columns);
  nn::run_blocks(blocks_, pass.over(rows.all(table.get())), x_TD, rows.pooled(table.get()), last_PD);
  norm_.forward(pass, last_PD, y_PD);
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
