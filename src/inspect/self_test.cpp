// Legend: M, T rows, K inputs, N outputs, D model width, H heads, K kv heads, E head width, F MLP width.
#include "inspect/self_test.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "embed/forest.h"
#include "model/checkpoint.h"
#include "model/llama.h"
#include "nn/linear.h"
#include "ops/attention.h"
#include "ops/isa.h"
#include "ops/matmul.h"
#include "ops/norm.h"
#include "ops/quantize.h"
#include "ops/reference/ops.h"
#include "ops/rows.h"

namespace e5v::inspect {
namespace {

namespace reference = ops::reference;
using tensor::DType;
using tensor::Tensor;

/// Random numbers, the same on every machine: that of <random> distributions is up to the library.
class Random {
 public:
  float next() { return static_cast<float>(engine_()) / static_cast<float>(std::mt19937::max()) * 2 - 1; }
  Tensor tensor(const tensor::Shape& shape, float scale, float offset = 0) {
    Tensor result(DType::f32, shape);
    for (float& value : result.as<float>()) value = offset + scale * next();
    return result;
  }

 private:
  std::mt19937 engine_{20240717};
};

reference::Matrix in_double(const Tensor& tensor) {
  const tensor::Matrix view = matrix_of(tensor);
  reference::Matrix result(view.rows, view.columns);
  std::copy(tensor.as<float>().begin(), tensor.as<float>().end(), result.values.begin());
  return result;
}

std::vector<double> vector_of(const Tensor& tensor) { return in_double(tensor).values; }

/// The largest difference, as a share of the largest expected value. Throws DeviceError when it is above the limit.
std::string compare(std::span<const float> found, const std::vector<double>& expected, double limit) {
  double largest = 0, difference = 0;
  bool finite = true;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    difference = std::max(difference, std::abs(static_cast<double>(found[i]) - expected[i]));
    finite &= std::isfinite(found[i]);
  }
  const double share = difference / largest;
  require<DeviceError>(finite && share <= limit, "off by {:.1e} of the largest value, expected at most {:.0e}", share,
                       limit);
  return fmt::format("within {:.1e} of double arithmetic", share);
}

std::string test_matmul(ops::Arithmetic arithmetic, double limit) {
  constexpr std::int64_t M = 33, K = 200, N = 130;
  Random random;
  const Tensor x = random.tensor({M, K}, 1), w = random.tensor({N, K}, 1), y(DType::f32, {M, N});
  const Tensor input(ops::input_dtype(arithmetic), {M, K});
  ops::convert(matrix_of(x), matrix_of(input));
  const tensor::StoredMatrix parts[] = {w.view()};
  const ops::Weight weight(parts, arithmetic);
  ops::matmul(matrix_of(input), weight, {}, matrix_of(y));
  return compare(y.as<float>(), reference::matmul(in_double(x), in_double(w), {}).values, limit);
}

std::string test_int8_matmul() {
  constexpr std::int64_t M = 33, K = 200, N = 130;
  Random random;
  const Tensor x = random.tensor({M, K}, 1), w = random.tensor({N, K}, 1), y(DType::f32, {M, N});
  const Tensor values(DType::i8, {N, K}), scales(DType::f32, {N, 1});
  ops::quantize_rows(matrix_of(w), matrix_of(values), scales.as<float>());
  const tensor::StoredMatrix parts[] = {tensor::StoredMatrix::int8(values.view(), scales.view())};
  ops::matmul(matrix_of(x), ops::Weight(parts, ops::Arithmetic::int8), {}, matrix_of(y));
  return compare(y.as<float>(), reference::matmul(in_double(x), in_double(w), {}).values, 2e-2);
}

std::string test_norm() {
  constexpr std::int64_t T = 7, D = 300;
  constexpr float kEps = 1e-5f;
  Random random;
  const Tensor x = random.tensor({T, D}, 3), gamma = random.tensor({D}, 1), y(DType::f32, {T, D});
  ops::rms_norm(matrix_of(x), gamma.as<float>(), kEps, matrix_of(y));
  return compare(y.as<float>(), reference::rms_norm(in_double(x), vector_of(gamma), kEps).values, 1e-5);
}

std::string test_attention() {
  constexpr std::int64_t T = 70, H = 6, K = 2, E = 24;
  Random random;
  const Tensor q = random.tensor({T, H * E}, 2), k = random.tensor({T, K * E}, 2), v = random.tensor({T, K * E}, 1);
  const Tensor out(DType::f32, {T, H * E});
  // Two sequences that share their first 30 rows.
  const ops::AttentionPlan plan{{{0, 30}, {30, 25}, {55, 15}},
                                {{{0, 30}, {0}, true}, {{30, 25}, {0, 1}, true}, {{55, 15}, {0, 2}, true}}};
  constexpr float kScale = 0.2f;
  tensor::Arena arena;
  ops::attention({matrix_of(q), matrix_of(k), matrix_of(v), matrix_of(out), H, K, kScale}, plan, arena);
  const auto expected = reference::attention(in_double(q), in_double(k), in_double(v), H, K, kScale, plan);
  return compare(out.as<float>(), expected.values, 1e-5);
}

/// A small language model of random weights.
struct SmallModel {
  SmallModel() {
    config.vocabulary = 97;
    config.width = 64;
    config.layers = 2;
    config.heads = 4;
    config.kv_heads = 2;
    config.head_width = 16;
    config.mlp_width = 160;
    config.max_positions = 128;
    config.rms_eps = 1e-5f;
    config.rope_theta = 10000;
    const std::int64_t D = config.width, HE = 64, KE = 32, F = config.mlp_width;
    Random random;
    const auto add = [&](const std::string& name, const tensor::Shape& shape, float scale, float offset = 0) {
      tensors.emplace(name + ".weight", random.tensor(shape, scale, offset));
    };
    add("model.embed_tokens", {config.vocabulary, D}, 1);
    add("model.norm", {D}, 0.2f, 1);
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
      const std::string block = fmt::format("model.layers.{}.", layer);
      for (const char* norm : {"input_layernorm", "post_attention_layernorm"}) add(block + norm, {D}, 0.2f, 1);
      add(block + "self_attn.q_proj", {HE, D}, 0.2f);
      for (const char* name : {"self_attn.k_proj", "self_attn.v_proj"}) add(block + name, {KE, D}, 0.2f);
      add(block + "self_attn.o_proj", {D, HE}, 0.2f);
      for (const char* name : {"mlp.gate_proj", "mlp.up_proj"}) add(block + name, {F, D}, 0.2f);
      add(block + "mlp.down_proj", {D, F}, 0.2f);
    }
  }

  tensor::TensorMap views() const {
    tensor::TensorMap map;
    for (const auto& [name, tensor] : tensors) map.emplace(name, tensor.view());
    return map;
  }
  const Tensor& weight(const std::string& name) const { return tensors.at("model." + name + ".weight"); }

  model::LlamaConfig config;
  std::map<std::string, Tensor> tensors;
};

void add_to(reference::Matrix& x, const reference::Matrix& y) {
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] += y.values[i];
}

/// The last hidden state of one sequence in double, equation by equation.
std::vector<double> last_state(const SmallModel& m, const std::vector<std::int32_t>& ids) {
  const model::LlamaConfig& c = m.config;
  const auto T = static_cast<std::int64_t>(ids.size());
  std::vector<double> frequencies;
  for (std::int64_t i = 0; i < c.head_width; i += 2) {
    frequencies.push_back(std::pow(c.rope_theta, -static_cast<double>(i) / static_cast<double>(c.head_width)));
  }
  std::vector<std::int32_t> positions;
  reference::Matrix table = in_double(m.weight("embed_tokens")), x(T, c.width);
  for (std::int64_t t = 0; t < T; ++t) {
    positions.push_back(static_cast<std::int32_t>(t));
    for (std::int64_t d = 0; d < c.width; ++d) x.at(t, d) = table.at(ids[static_cast<std::size_t>(t)], d);
  }
  const ops::AttentionPlan plan{{{0, T}}, {{{0, T}, {0}, true}}};
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const std::string block = fmt::format("layers.{}.", layer);
    const auto times = [&](const reference::Matrix& input, const char* name) {
      return reference::matmul(input, in_double(m.weight(block + name)), {});
    };
    const auto normed = [&](const char* name) {
      return reference::rms_norm(x, vector_of(m.weight(block + name)), c.rms_eps);
    };
    const reference::Matrix h = normed("input_layernorm");
    reference::Matrix q = times(h, "self_attn.q_proj"), k = times(h, "self_attn.k_proj");
    reference::rotary(q, positions, frequencies);
    reference::rotary(k, positions, frequencies);
    const double scale = 1 / std::sqrt(static_cast<double>(c.head_width));
    add_to(x, times(reference::attention(q, k, times(h, "self_attn.v_proj"), c.heads, c.kv_heads, scale, plan),
                    "self_attn.o_proj"));
    const reference::Matrix g = normed("post_attention_layernorm"), up = times(g, "mlp.up_proj");
    reference::Matrix inner = times(g, "mlp.gate_proj");
    for (std::size_t i = 0; i < inner.values.size(); ++i)
      inner.values[i] = reference::silu(inner.values[i]) * up.values[i];
    add_to(x, times(inner, "mlp.down_proj"));
  }
  const reference::Matrix y = reference::rms_norm(x, vector_of(m.weight("norm")), c.rms_eps);
  return {y.values.end() - c.width, y.values.end()};
}

/// Sequences with a common beginning, packed as a batch, against each of them alone in double.
std::string test_model(nn::Precision precision, double limit) {
  const SmallModel small;
  const std::vector<std::vector<std::int32_t>> texts{{1, 5, 9, 33, 2}, {1, 5, 9, 40, 41, 96, 7}, {1, 5}, {60, 61, 62}};
  std::vector<embed::Sequence> sequences;
  for (const auto& ids : texts) {
    embed::Sequence& sequence = sequences.emplace_back();
    for (const std::int32_t id : ids) sequence.push_back({-1, id});
  }
  const embed::Forest forest = embed::build_forest(sequences);
  std::vector<std::int32_t> rows;
  for (const embed::Symbol& symbol : forest.symbols_T) rows.push_back(symbol.value);
  const model::Checkpoint checkpoint(small.views(), "self-test");
  const model::Llama llama(model::LlamaWeights::from(checkpoint, small.config), small.config, precision);
  tensor::Arena arena;
  const std::int64_t D = small.config.width;
  const tensor::Matrix x = arena.matrix(DType::f32, static_cast<std::int64_t>(rows.size()), D);
  const tensor::Matrix y = arena.matrix(DType::f32, static_cast<std::int64_t>(forest.rows.pooled_P.size()), D);
  llama.embed(rows, x, arena);
  llama.forward(x, forest.rows, y, arena);
  std::vector<float> found;
  std::vector<double> expected;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const float* row = y.row<float>(forest.pooled_index_S[i]);
    found.insert(found.end(), row, row + D);
    const std::vector<double> state = last_state(small, texts[i]);
    expected.insert(expected.end(), state.begin(), state.end());
  }
  return compare(found, expected, limit);
}

}  // namespace

void self_test(const ReportCheck& report) {
  run_check("matmul f32", report, [] { return test_matmul(ops::Arithmetic::f32, 1e-5); });
  if (ops::has_native_bf16()) {
    run_check("matmul bf16", report, [] { return test_matmul(ops::Arithmetic::bf16, 1e-2); });
  }
  run_check("matmul int8", report, test_int8_matmul);
  run_check("rms norm", report, test_norm);
  run_check("attention", report, test_attention);
  run_check("small model f32", report, [] { return test_model(nn::Precision::f32, 1e-4); });
  run_check("small model bf16", report, [] { return test_model(nn::Precision::bf16, 5e-2); });
}

}  // namespace e5v::inspect
