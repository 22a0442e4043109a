#include "bench_model.h"

#include <algorithm>
#include <cmath>

#include "families/llava_next/forward.h"
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
  const embed::ModelLimits limits{true, false, static_cast<std::int32_t>(config.image_token), config.text.vocabulary,
                                  config.text.max_positions};
  return {std::move(tokenizer), text::ChatStyle::llama3, preprocess_of(config), limits, {}, {}};
}

/// Fills a matrix with random bits and with scales for its deviation. Quantising would give other bits, but they are
/// multiplied as fast.
void quantize_at_random(model::SyntheticWeights& weights, const std::string& name, tensor::WeightFormat format) {
  const tensor::TensorView plain = weights.tensors.at(name);
  const bool int8 = format == tensor::WeightFormat::int8;
  const std::int64_t N = plain.shape[0], K = plain.shape[1], groups = int8 ? 1 : K / 64;
  tensor::Tensor values(int8 ? tensor::DType::i8 : tensor::DType::i32, {N, int8 ? K : K / 8});
  std::uint64_t state = 1;
  for (std::int64_t i = 0; i < values.elements() * size_of(values.dtype()) / 8; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    reinterpret_cast<std::uint64_t*>(values.data())[i] = state ^ (state >> 31);
  }
  tensor::Tensor scales(tensor::DType::f32, {N, groups});
  std::ranges::fill(scales.as<float>(), (int8 ? 1.0f / 73 : 1.0f / 4.6f) / std::sqrt(static_cast<float>(K)));
  weights.tensors.erase(name);
  weights.tensors.emplace(int8 ? name : name + "_packed", values.view());
  weights.tensors.emplace(name + "_scale", scales.view());
  weights.storage.push_back(std::move(values));
  weights.storage.push_back(std::move(scales));
}

model::SyntheticWeights make_weights(const model::ModelConfig& config, tensor::DType stored,
                                     tensor::WeightFormat format) {
  model::SyntheticWeights weights = make_synthetic(config, stored, 0);
  if (format == tensor::WeightFormat::plain) return weights;
  std::vector<std::string> matrices;
  for (const auto& [name, view] : weights.tensors) {
    const std::string canonical = model::llava_next_names().canonical(name);
    if (canonical.starts_with("language_model.layers.") && view.shape.rank() == 2) matrices.push_back(name);
  }
  for (const std::string& name : matrices) quantize_at_random(weights, name, format);
  return weights;
}

model::Checkpoint checkpoint_of(const model::SyntheticWeights& weights, tensor::Place place) {
  model::Checkpoint checkpoint(weights.tensors, "synthetic weights");
  checkpoint.place_on(place);
  return checkpoint;
}

std::vector<embed::PreparedInput> prepared(embed::Preparer& preparer, const std::vector<Input>& inputs) {
  std::vector<embed::PreparedInput> result;
  for (const Input& input : inputs) result.push_back(preparer.prepare(input));
  return result;
}

}  // namespace

BenchModel::BenchModel(const model::ModelConfig& config, tensor::DType stored, tensor::WeightFormat format,
                       nn::Precision precision, tensor::Place place)
    : config_(config),
      precision_(precision),
      weights_(make_weights(config, stored, format)),
      checkpoint_(checkpoint_of(weights_, place)),
      preparer_(preparer_of(config)),
      model_(checkpoint_, config, preprocess_of(config), precision),
      arena_(place) {}

void BenchModel::embed(const std::vector<Input>& inputs) { embed(prepared(preparer_, inputs)); }

void BenchModel::embed(const std::vector<embed::PreparedInput>& inputs) {
  embed::for_batches(inputs, budget(), [&](std::span<const embed::PreparedInput> batch) {
    const tensor::Arena::Scope scope(arena_);
    const auto count = static_cast<std::int64_t>(batch.size());
    families::compute(model_, batch, arena_.matrix(tensor::DType::f32, count, config_.text.width), arena_);
  });
}

double BenchModel::flops(const std::vector<Input>& inputs) {
  double flops = 0;
  embed::for_batches(prepared(preparer_, inputs), budget(),
                     [&](std::span<const embed::PreparedInput> batch) { flops += batch_flops(config_, batch); });
  return flops;
}

model::ModelConfig bench_config(bool quick, std::int64_t language_layers) {
  const auto layers = quick ? std::nullopt : std::optional<std::int64_t>(language_layers);
  model::ModelConfig config =
      model::parse_config(model::synthetic_config(quick ? "tiny" : "e5-v", layers, tensor::DType::f32), "bench");
  if (!quick) {
    config.text.vocabulary = 8192;
    config.image_token = config.text.vocabulary - 1;
  }
  return config;
}

}  // namespace e5v::bench
