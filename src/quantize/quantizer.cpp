#include "quantize/quantizer.h"

#include <optional>

#include "families/llava_next.h"
#include "families/llava_next/prepare.h"
#include "model/checkpoint_folder.h"
#include "model/model_folder.h"
#include "model/unused_tensors.h"
#include "quantize/block_writer.h"
#include "quantize/folder.h"
#include "quantize/plan.h"
#include "quantize/prepare_item.h"

namespace e5v::quantize {
namespace {

using model::Checkpoint;
using tensor::WeightFormat;

std::vector<embed::PreparedInput> prepare_calibration(embed::Preparer& preparer, const QuantizeOptions& options,
                                                      std::int64_t max_tokens) {
  std::vector<runs::ItemList::Entry> items = options.calibration;
  if (items.empty()) {
    for (const std::string_view sentence : default_sentences()) {
      items.push_back({{std::nullopt, Input::from_text(std::string(sentence))}, "calibration"});
    }
  }
  std::vector<embed::PreparedInput> prepared;
  std::int64_t tokens = 0;
  for (const runs::ItemList::Entry& item : items) {
    embed::PreparedInput next = prepare_item(preparer, item);
    tokens += next.tokens();
    if (!prepared.empty() && tokens > max_tokens) break;
    prepared.push_back(std::move(next));
  }
  return prepared;
}

/// The model in f32, and the calibration inputs.
struct CalibratedModel {
  embed::Preparer preparer;
  model::LlavaNext model;
  std::vector<embed::PreparedInput> inputs;

  CalibratedModel(const QuantizeOptions& options, const model::ModelConfig& config, const Checkpoint& checkpoint,
                  bool compensate)
      : preparer(families::make_llava_next_preparer(options.model, config, {})),
        model(checkpoint, config, preparer.preprocess(), nn::Precision::f32),
        inputs(prepare_calibration(preparer, options, calibration_tokens(compensate))) {}
};

void release_block(const Checkpoint& checkpoint, const Plan& plan, std::int64_t block) {
  for (const std::string_view matrix : kMatrices) checkpoint.release(plan.tensor(block, matrix).view);
}

void write_unchanged(const Checkpoint& checkpoint, const Plan& plan, tensor::SafetensorsWriter& writer,
                     const std::function<void()>& check_stop) {
  for (const Checkpoint::Stored& tensor : plan.unchanged()) {
    check_stop();
    writer.write(tensor.stored, tensor.view.bytes());
    checkpoint.release(tensor.view);
  }
}

/// Rounds a block for its activations, and carries these through the block. With compensation they pass the rounded
/// block, so that the next block is rounded for the inputs that it will have.
RoundedBlock round_calibrated(const model::LlamaBlockWeights& weights, Calibration& calibration,
                              const model::LlamaConfig& config, const Rounding& rounding, bool compensate) {
  const auto int4 = [&](const Scheme& scheme) { return compensate && scheme.format == WeightFormat::int4; };
  const model::LlamaBlock exact(weights, config, nn::Precision::f32);
  BlockSample sample = calibration.observe(exact, weights, {int4(rounding.attention), int4(rounding.mlp)}, compensate);
  RoundedBlock rounded = round_block(weights, std::move(sample), config, rounding);
  if (compensate) calibration.advance(model::LlamaBlock(rounded.weights(), config, nn::Precision::f32));
  return rounded;
}

}  // namespace

void quantize_checkpoint(const QuantizeOptions& given) {
  QuantizeOptions options = given;
  options.model = model::find_model_folder(given.model);
  const auto check_stop = [&] {
    if (options.check_stop) options.check_stop();
  };
  const model::ModelConfig config = families::require_llava_next(options.model, "quantize");
  const Checkpoint checkpoint(options.model);
  require<ModelError>(!checkpoint.quantised(), "[{}] is quantised already", options.model.string());
  model::unused_tensors(checkpoint,
                        config);  // throws when a tensor would be ignored; those outside the model are copied
  checkpoint.require_finite();
  const ModelScheme scheme = choose_scheme({options.format, options.group}, options.wide, config.text);
  const bool compensate = options.compensate && options.format == WeightFormat::int4;
  const model::LlamaWeights weights = model::LlamaWeights::from(checkpoint, config.text);
  std::optional<CalibratedModel> model;  // nf4 needs weights only
  if (options.format != WeightFormat::nf4) model.emplace(options, config, checkpoint, compensate);
  model::prepare_output(options.model, options.output, options.force);
  std::optional<Calibration> calibration;
  if (model) calibration.emplace(model->model, model->inputs, kCalibrationBatch);
  const Plan plan(checkpoint, config.text, scheme);
  tensor::SafetensorsWriter writer(options.output / "model.safetensors", plan.specs(), {{"format", "pt"}});
  write_unchanged(checkpoint, plan, writer, check_stop);
  BlockWriter blocks(writer, plan);
  for (std::int64_t i = 0; i < config.text.layers; ++i) {
    check_stop();
    BlockReport report;
    if (calibration) {
      const Rounding rounding{scheme.attention(), scheme.mlp(i), options.smooth, options.check_stop};
      const RoundedBlock block = round_calibrated(weights.blocks[static_cast<std::size_t>(i)], *calibration,
                                                  config.text, rounding, compensate);
      blocks.write(i, block);
      report = block.report;
    } else {
      blocks.write_nf4(i);
    }
    report.block = i;
    report.blocks = config.text.layers;
    release_block(checkpoint, plan, i);
    if (options.done) options.done(report);
  }
  model::begin_replacement(options.output);
  writer.finish();
  model::copy_side_files(options.model, options.output);
  write_config(options.model, options.output, scheme, checkpoint.stored_dtype());
}

}  // namespace e5v::quantize
