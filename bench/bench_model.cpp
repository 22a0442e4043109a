#include "bench_model.h"

#include "embed/batch.h"
#include "embed/loading.h"
#include "flops.h"
#include "model/synthetic_checkpoint.h"
#include "text/synthetic_tokenizer.h"

namespace e5v::bench {
namespace {

image::Preprocess preprocess_of(const model::ModelConfig& config) {
  image::Preprocess preprocess;
  preprocess.grid_pinpoints = config.grid_pinpoints;
  preprocess.tile = preprocess.shortest_edge = static_cast<int>(config.vision->image_size);
  preprocess.patch = static_cast<int>(config.vision->patch_size);
  return preprocess;
}

embed::Preparer preparer_of(const model::ModelConfig& config) {
  text::Tokenizer tokenizer = text::Tokenizer::from_json(
      text::synthetic_tokenizer_json(config.text.vocabulary, config.image_token), "synthetic tokenizer");
  const embed::ModelLimits limits{true, static_cast<std::int32_t>(config.image_token), config.text.vocabulary,
                                  config.text.max_positions};
  return {std::move(tokenizer), text::ChatStyle::llama3, preprocess_of(config), limits, {}, {}};
}

}  // namespace

BenchModel::BenchModel(const model::ModelConfig& config, tensor::DType stored, nn::Precision precision)
    : config_(config),
      weights_(make_synthetic(config, stored, 0)),
      checkpoint_(weights_.tensors, "synthetic weights"),
      preparer_(preparer_of(config)),
      model_(checkpoint_, config, preprocess_of(config), precision) {}

template <class Body>
void BenchModel::for_batches(const std::vector<Input>& inputs, const Body& body) {
  embed::Batch batch(EmbedderOptions{}.token_budget);
  for (const Input& input : inputs) {
    embed::PreparedInput prepared = preparer_.prepare(input);
    if (!batch.fits(prepared)) {
      body(batch.inputs());
      batch.clear();
    }
    batch.add(std::move(prepared));
  }
  if (!batch.empty()) body(batch.inputs());
}

void BenchModel::embed(const std::vector<Input>& inputs) {
  for_batches(inputs, [&](std::span<const embed::PreparedInput> batch) {
    const tensor::Arena::Scope scope(arena_);
    const auto count = static_cast<std::int64_t>(batch.size());
    embed::compute(model_, batch, arena_.matrix(tensor::DType::f32, count, config_.text.width), arena_);
  });
}

double BenchModel::flops(const std::vector<Input>& inputs) {
  double flops = 0;
  for_batches(inputs, [&](std::span<const embed::PreparedInput> batch) { flops += batch_flops(config_, batch); });
  return flops;
}

model::ModelConfig bench_config(bool quick) {
  const auto layers = quick ? std::nullopt : std::optional<std::int64_t>(4);
  model::ModelConfig config =
      model::parse_config(model::synthetic_config(quick ? "tiny" : "e5-v", layers, tensor::DType::f32), "bench");
  if (!quick) {
    config.text.vocabulary = 8192;
    config.image_token = config.text.vocabulary - 1;
  }
  return config;
}

}  // namespace e5v::bench
