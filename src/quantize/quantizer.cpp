#include "quantize/quantizer.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "embed/loading.h"
#include "model/bitsandbytes.h"
#include "model/checkpoint_folder.h"
#include "ops/nf4.h"
#include "ops/rows.h"
#include "quantize/calibrate.h"
#include "quantize/folder.h"
#include "quantize/weights.h"
#include "tensor/safetensors_writer.h"

namespace e5v::quantize {
namespace {

using model::Checkpoint;
using model::Nf4Suffix;
using tensor::ConstMatrix;
using tensor::DType;
using tensor::Tensor;
using tensor::WeightFormat;

constexpr std::array kNorms{"input_layernorm", "post_attention_layernorm"};
constexpr std::array kMatrices{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                               "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj"};

std::string block_name(std::int64_t block, std::string_view part) {
  return fmt::format("language_model.layers.{}.{}.weight", block, part);
}

Scheme choose_scheme(const QuantizeOptions& options, const model::LlamaConfig& c) {
  Scheme scheme{options.format, options.group};
  if (scheme.format == WeightFormat::int8) return scheme;
  const auto divides = [&](std::int64_t group) {
    return c.width % group == 0 && c.mlp_width % group == 0 && c.heads * c.head_width % group == 0;
  };
  if (scheme.format == WeightFormat::nf4) {
    require(divides(8), "[quantize] nf4 of widths {}, {} and {}, expected multiples of 8", c.width, c.mlp_width,
            c.heads * c.head_width);
    return scheme;
  }
  if (scheme.group == 0) {
    for (const std::int64_t group : {8, 16, 32, 64}) {
      if (divides(group)) scheme.group = group;
    }
  }
  require(scheme.group >= 8 && scheme.group % 8 == 0 && divides(scheme.group),
          "[quantize] groups of {} columns, expected a multiple of 8 that divides {}, {} and {}", scheme.group, c.width,
          c.mlp_width, c.heads * c.head_width);
  return scheme;
}

/// The tensors of the output in the order in which they are written: first those that stay as they are, then block by
/// block norms, scales and integers.
class Plan {
 public:
  Plan(const Checkpoint& checkpoint, const model::LlamaConfig& config, const Scheme& scheme) : scheme_(scheme) {
    for (const Checkpoint::Stored& tensor : checkpoint.tensors()) by_canonical_.emplace(tensor.canonical, tensor);
    std::map<std::string, bool> of_blocks;
    for (std::int64_t block = 0; block < config.layers; ++block) {
      for (const char* norm : kNorms) of_blocks[block_name(block, norm)];
      for (const char* matrix : kMatrices) of_blocks[block_name(block, matrix)];
    }
    for (const auto& [canonical, tensor] : by_canonical_) {
      if (!of_blocks.contains(canonical)) unchanged_.push_back(tensor);
    }
    // Wide types first keeps every tensor aligned: the format leaves no gaps.
    std::stable_sort(unchanged_.begin(), unchanged_.end(),
                     [](const auto& a, const auto& b) { return size_of(a.view.dtype) > size_of(b.view.dtype); });
    for (const Checkpoint::Stored& tensor : unchanged_) {
      specs_.push_back({tensor.stored, tensor.view.dtype, tensor.view.shape});
    }
    for (std::int64_t block = 0; block < config.layers; ++block) add_block(block);
  }

  const std::vector<Checkpoint::Stored>& unchanged() const { return unchanged_; }
  const std::vector<tensor::TensorSpec>& specs() const { return specs_; }
  const Checkpoint::Stored& tensor(std::int64_t block, std::string_view part) const {
    return by_canonical_.at(block_name(block, part));
  }

 private:
  void add_block(std::int64_t block) {
    for (const char* norm : kNorms) {
      const Checkpoint::Stored& stored = tensor(block, norm);
      specs_.push_back({stored.stored, stored.view.dtype, stored.view.shape});
    }
    for (const char* matrix : kMatrices) {
      const Checkpoint::Stored& stored = tensor(block, matrix);
      const std::int64_t N = stored.view.shape[0], K = stored.view.shape[1];
      if (scheme_.format == WeightFormat::nf4) {
        add_nf4(stored.stored, N * K);
      } else if (scheme_.format == WeightFormat::int8) {
        specs_.push_back({stored.stored + "_scale", stored.view.dtype, {N, 1}});
        specs_.push_back({stored.stored, DType::i8, {N, K}});
      } else {
        specs_.push_back({stored.stored + "_shape", DType::i64, {2}});
        specs_.push_back({stored.stored + "_packed", DType::i32, {N, K / 8}});
        specs_.push_back({stored.stored + "_scale", stored.view.dtype, {N, K / scheme_.group}});
      }
    }
  }

  /// In the order in which BlockWriter::write_nf4 writes.
  void add_nf4(const std::string& name, std::int64_t count) {
    const std::int64_t blocks = (count + tensor::kNf4Block - 1) / tensor::kNf4Block;
    specs_.push_back({name + Nf4Suffix::kCodeMap, DType::f32, {16}});
    specs_.push_back({name + Nf4Suffix::kScaleMap, DType::f32, {256}});
    const std::int64_t nested = (blocks + tensor::kNf4NestedBlock - 1) / tensor::kNf4NestedBlock;
    specs_.push_back({name + Nf4Suffix::kNestedScales, DType::f32, {nested}});
    specs_.push_back({name + Nf4Suffix::kState, DType::u8, {model::kNf4StateBytes}});
    specs_.push_back({name + Nf4Suffix::kScales, DType::u8, {blocks}});
    specs_.push_back({name, DType::u8, {count / 2, 1}});
  }

  Scheme scheme_;
  std::map<std::string, Checkpoint::Stored> by_canonical_;
  std::vector<Checkpoint::Stored> unchanged_;
  std::vector<tensor::TensorSpec> specs_;
};

/// A block's weights in f32, smoothed.
struct WideBlock {
  Tensor input_norm, attention_norm, q, k, v, o, gate, up, down;

  explicit WideBlock(const model::LlamaBlockWeights& weights)
      : input_norm(to_f32(weights.input_norm)),
        attention_norm(to_f32(weights.attention_norm)),
        q(to_f32(weights.q.values)),
        k(to_f32(weights.k.values)),
        v(to_f32(weights.v.values)),
        o(to_f32(weights.o.values)),
        gate(to_f32(weights.gate.values)),
        up(to_f32(weights.up.values)),
        down(to_f32(weights.down.values)) {}
};

void divide(const Tensor& vector, std::span<const float> factors) {
  for (std::size_t i = 0; i < factors.size(); ++i) vector.as<float>()[i] /= factors[i];
}

void multiply_columns(const Tensor& matrix, std::span<const float> factors) {
  float* w = matrix.as<float>().data();
  for (std::int64_t n = 0; n < matrix.shape()[0]; ++n) {
    for (const float factor : factors) *w++ *= factor;
  }
}

/// Row n is divided by factors[column_of(n)].
template <class ColumnOf>
void divide_rows(const Tensor& matrix, std::span<const float> factors, const ColumnOf& column_of) {
  const std::int64_t K = matrix.shape()[1];
  for (std::int64_t n = 0; n < matrix.shape()[0]; ++n) {
    float* w = matrix.as<float>().data() + n * K;
    const float factor = factors[static_cast<std::size_t>(column_of(n))];
    for (std::int64_t k = 0; k < K; ++k) w[k] /= factor;
  }
}

/// Chooses the factors of a block and folds each into what comes before the activations and into what they meet: norm
/// and q, k, v; v and o; norm and gate, up; up and down.
BlockReport smooth(const WideBlock& block, const BlockSample& sample, const model::LlamaConfig& c,
                   const Scheme& scheme) {
  const auto choose = [&](const ActivationSample& x, std::initializer_list<const Tensor*> tensors, Tied tied = {}) {
    std::vector<ConstMatrix> parts;
    for (const Tensor* tensor : tensors) parts.push_back(matrix_of(*tensor));
    return choose_smoothing(x, parts, scheme, tied);
  };
  BlockReport report;
  const std::int64_t E = c.head_width, G = c.heads / c.kv_heads;
  report.attention = choose(sample.attention, {&block.q, &block.k, &block.v});
  report.output = choose(sample.output, {&block.o}, {E, G});
  report.mlp = choose(sample.mlp, {&block.gate, &block.up});
  report.down = choose(sample.down, {&block.down});
  divide(block.input_norm, report.attention.factors);
  for (const Tensor* tensor : {&block.q, &block.k, &block.v}) multiply_columns(*tensor, report.attention.factors);
  divide_rows(block.v, report.output.factors, [&](std::int64_t n) { return n / E * G * E + n % E; });
  multiply_columns(block.o, report.output.factors);
  divide(block.attention_norm, report.mlp.factors);
  for (const Tensor* tensor : {&block.gate, &block.up}) multiply_columns(*tensor, report.mlp.factors);
  divide_rows(block.up, report.down.factors, [](std::int64_t n) { return n; });
  multiply_columns(block.down, report.down.factors);
  return report;
}

/// How much an error in each column of a weight counts: the mean square of what meets it, after smoothing.
std::vector<float> importance_of(const ActivationSample& sample, const Smoothing& smoothing) {
  std::vector<float> importance(sample.mean_square().begin(), sample.mean_square().end());
  for (std::size_t k = 0; k < smoothing.factors.size(); ++k) {
    importance[k] /= smoothing.factors[k] * smoothing.factors[k];
  }
  return importance;
}

class BlockWriter {
 public:
  BlockWriter(tensor::SafetensorsWriter& writer, const Plan& plan, const Scheme& scheme)
      : writer_(writer), plan_(plan), scheme_(scheme) {}

  void write(std::int64_t index, const WideBlock& block, const BlockSample& sample, const BlockReport& report) {
    write_norm(plan_.tensor(index, "input_layernorm"), block.input_norm);
    write_norm(plan_.tensor(index, "post_attention_layernorm"), block.attention_norm);
    const auto attention = importance_of(sample.attention, report.attention);
    const auto output = importance_of(sample.output, report.output), mlp = importance_of(sample.mlp, report.mlp);
    const auto down = importance_of(sample.down, report.down);
    const std::pair<const Tensor*, const std::vector<float>*> matrices[] = {
        {&block.q, &attention}, {&block.k, &attention}, {&block.v, &attention}, {&block.o, &output},
        {&block.gate, &mlp},    {&block.up, &mlp},      {&block.down, &down}};
    for (std::size_t i = 0; i < kMatrices.size(); ++i) {
      write_matrix(plan_.tensor(index, kMatrices[i]), *matrices[i].first, *matrices[i].second);
    }
  }

  /// The matrices of a block in NF4, its norms as they are.
  void write_nf4(std::int64_t index) {
    for (const char* norm : kNorms) {
      const Checkpoint::Stored& stored = plan_.tensor(index, norm);
      writer_.write(stored.stored, stored.view.bytes());
    }
    for (const char* matrix : kMatrices) {
      const Checkpoint::Stored& stored = plan_.tensor(index, matrix);
      const ops::Nf4Weight weight = ops::quantize_nf4(stored.view);
      const tensor::Nf4Tables& tables = weight.matrix.nf4_tables;
      const std::string state =
          model::nf4_state(stored.view.dtype, weight.matrix.rows, weight.matrix.columns, tables.offset);
      writer_.write(stored.stored + Nf4Suffix::kCodeMap, tables.code_map.bytes());
      writer_.write(stored.stored + Nf4Suffix::kScaleMap, tables.scale_map.bytes());
      writer_.write(stored.stored + Nf4Suffix::kNestedScales, tables.nested_scales.bytes());
      writer_.write(stored.stored + Nf4Suffix::kState, std::as_bytes(std::span(state)));
      writer_.write(stored.stored + Nf4Suffix::kScales, weight.matrix.scales.bytes());
      writer_.write(stored.stored, weight.matrix.values.bytes());
    }
  }

 private:
  void write_norm(const Checkpoint::Stored& stored, const Tensor& norm) {
    if (stored.view.dtype != DType::bf16) return write(stored.stored, same_type(norm, stored.view.dtype));
    const Tensor rounded(DType::bf16, norm.shape());
    ops::convert(matrix_of(norm), matrix_of(rounded));
    write(stored.stored, rounded);
  }

  static Tensor same_type(const Tensor& norm, DType type) {
    Tensor result(type, norm.shape());
    for (std::size_t i = 0; i < norm.as<float>().size(); ++i) {
      if (type == DType::f16) {
        result.as<tensor::Half>()[i] = tensor::Half(norm.as<float>()[i]);
      } else {
        result.as<float>()[i] = norm.as<float>()[i];
      }
    }
    return result;
  }

  void write_matrix(const Checkpoint::Stored& stored, const Tensor& matrix, const std::vector<float>& importance) {
    if (scheme_.format == WeightFormat::int8) {
      const QuantizedWeight weight = quantize_int8(matrix_of(matrix), stored.view.dtype);
      write(stored.stored + "_scale", weight.scales);
      return write(stored.stored, weight.values);
    }
    const QuantizedWeight weight = quantize_int4(matrix_of(matrix), scheme_.group, importance, stored.view.dtype);
    const std::array<std::int64_t, 2> shape{matrix.shape()[0], matrix.shape()[1]};
    writer_.write(stored.stored + "_shape", std::as_bytes(std::span(shape)));
    write(stored.stored + "_packed", weight.values);
    write(stored.stored + "_scale", weight.scales);
  }

  void write(const std::string& name, const Tensor& tensor) { writer_.write(name, tensor.view().bytes()); }

  tensor::SafetensorsWriter& writer_;
  const Plan& plan_;
  const Scheme& scheme_;
};

std::vector<embed::PreparedInput> prepare_calibration(embed::Preparer& preparer, const QuantizeOptions& options) {
  std::vector<Input> inputs = options.calibration;
  if (inputs.empty()) {
    for (const std::string_view sentence : default_sentences()) {
      inputs.push_back(Input::from_text(std::string(sentence)));
    }
  }
  std::vector<embed::PreparedInput> prepared;
  std::int64_t tokens = 0;
  for (const Input& input : inputs) {
    embed::PreparedInput next = preparer.prepare(input);
    tokens += next.tokens();
    if (!prepared.empty() && tokens > kCalibrationTokens) break;
    prepared.push_back(std::move(next));
  }
  return prepared;
}

/// The model in f32, and the inputs whose activations its weights are rounded for.
struct CalibratedModel {
  embed::Preparer preparer;
  model::LlavaNext model;
  std::vector<embed::PreparedInput> inputs;

  CalibratedModel(const QuantizeOptions& options, const model::ModelConfig& config, const Checkpoint& checkpoint)
      : preparer(embed::make_preparer(options.model, config, checkpoint, nn::Precision::f32, {})),
        model(checkpoint, config, preparer.preprocess(), nn::Precision::f32),
        inputs(prepare_calibration(preparer, options)) {}
};

/// Rounds a block for the activations that reach it, and carries them through it.
BlockReport write_calibrated(std::int64_t index, const model::LlamaBlockWeights& weights, Calibration& calibration,
                             BlockWriter& writer, const model::LlamaConfig& config, const Scheme* smoothed) {
  model::LlamaBlock computed(weights, config, nn::Precision::f32);
  const BlockSample sample = calibration.advance(computed);
  const WideBlock wide(weights);
  BlockReport report;
  if (smoothed != nullptr) report = smooth(wide, sample, config, *smoothed);
  writer.write(index, wide, sample, report);
  return report;
}

void release_block(const Checkpoint& checkpoint, const Plan& plan, std::int64_t block) {
  for (const char* matrix : kMatrices) checkpoint.release(plan.tensor(block, matrix).view);
}

}  // namespace

void quantize_checkpoint(const QuantizeOptions& options) {
  const auto check_stop = [&] {
    if (options.check_stop) options.check_stop();
  };
  const model::ModelConfig config = model::read_config(embed::check_folder(options.model));
  const Checkpoint checkpoint(options.model);
  require<ModelError>(checkpoint.stored_format() == WeightFormat::plain, "[{}] is quantised already",
                      options.model.string());
  const Scheme scheme = choose_scheme(options, config.text);
  const model::LlamaWeights weights = model::LlamaWeights::from(checkpoint, config.text);
  std::optional<CalibratedModel> model;  // nf4 looks at weights only
  if (scheme.format != WeightFormat::nf4) model.emplace(options, config, checkpoint);
  model::prepare_output(options.model, options.output, options.force);
  std::optional<Calibration> calibration;
  if (model) calibration.emplace(model->model, model->inputs);
  const Plan plan(checkpoint, config.text, scheme);
  tensor::SafetensorsWriter writer(options.output / "model.safetensors", plan.specs(), {{"format", "pt"}});
  for (const Checkpoint::Stored& tensor : plan.unchanged()) {
    check_stop();
    writer.write(tensor.stored, tensor.view.bytes());
    checkpoint.release(tensor.view);
  }
  BlockWriter blocks(writer, plan, scheme);
  for (std::int64_t i = 0; i < config.text.layers; ++i) {
    check_stop();
    BlockReport report;
    if (calibration) {
      report = write_calibrated(i, weights.blocks[static_cast<std::size_t>(i)], *calibration, blocks, config.text,
                                options.smooth ? &scheme : nullptr);
    } else {
      blocks.write_nf4(i);
    }
    report.block = i;
    report.blocks = config.text.layers;
    release_block(checkpoint, plan, i);
    if (options.done) options.done(report);
  }
  writer.finish();
  model::copy_side_files(options.model, options.output);
  write_config(options.model, options.output, scheme, checkpoint.stored_dtype());
}

}  // namespace e5v::quantize
