#include "quantize/calibrate.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace e5v::quantize {

std::span<const std::string_view> default_sentences() {
  static constexpr std::string_view kSentences[] = {
      "A dog runs across a wet beach with a red ball in its mouth.",
      "Two children are building a snowman in front of a brick house.",
      "The train to the coast leaves at half past seven from platform four.",
      "A bowl of noodle soup with a boiled egg, spring onions and seaweed.",
      "An old man repairs a bicycle in the doorway of his workshop.",
      "cat sitting on a laptop keyboard",
      "She signed the contract on Monday and moved to Lisbon in March.",
      "Why do leaves change their colour in autumn?",
      "black leather ankle boots with a low heel and a side zip",
      "A crowd watches a street musician play the violin at night.",
      "The committee rejected the proposal by nine votes to four.",
      "Aerial view of a river that winds through green farmland.",
      "a woman in a yellow raincoat holding an umbrella",
      "Mix the flour with the butter, add two eggs, and let the dough rest for an hour.",
      "The telescope found water vapour in the atmosphere of a distant planet.",
      "Three surfers carry their boards toward the waves at sunset.",
      "is more formal and has longer sleeves",
      "the same mug but blue, on a wooden table",
      "A goalkeeper dives to his left and pushes the ball around the post.",
      "Snow-covered mountains are reflected in a still lake.",
      "Prices rose by 2.4 per cent in the year to June, less than expected.",
      "A plate with half a sandwich, some crisps and a pickle.",
      "A yellow taxi waits at a crossing while people walk past.",
      "He could not remember where he had parked the car.",
      "portrait of an astronaut in an orange suit",
      "Ein Vogel sitzt auf dem Dach eines alten Hauses.",
      "Un chat noir dort sur un canape rouge.",
      "A baby elephant walks behind its mother through tall grass.",
      "floral summer dress with thin straps",
      "No one in the picture is wearing a hat.",
      "The market opens early, and the fish is sold before the sun is up.",
      "A close-up of a bee on a purple flower.",
  };
  return kSentences;
}

namespace {

tensor::Matrix copy_of(tensor::ConstMatrix x, tensor::Arena& arena) {
  const tensor::Matrix copy = arena.matrix(x.dtype, x.rows, x.columns);
  for (std::int64_t row = 0; row < x.rows; ++row) std::copy_n(x.row<float>(row), x.columns, copy.row<float>(row));
  return copy;
}

}  // namespace

std::vector<float> row_weights(const model::PackedRows& rows, float pooled_weight) {
  std::vector<float> weights_T(rows.positions_T.size(), 0.0f);
  for (const ops::AttentionPlan::Span& sequence : rows.pooled_plan.spans) {
    for (const std::int32_t node : sequence.path) {
      const ops::RowRange& range = rows.pooled_plan.nodes[static_cast<std::size_t>(node)];
      for (std::int64_t t = range.begin; t < range.begin + range.count; ++t) {
        weights_T[static_cast<std::size_t>(t)] += 1;
      }
    }
  }
  for (const std::int64_t row : rows.pooled_P) weights_T[static_cast<std::size_t>(row)] += pooled_weight;
  return weights_T;
}

Calibration::Calibration(const model::LlavaNext& model, std::span<const embed::PreparedInput> inputs,
                         std::int64_t batch_tokens) {
  std::int32_t last = 0;
  embed::for_batches(inputs, batch_tokens, [&](std::span<const embed::PreparedInput> batch) {
    batches_.push_back({families::embed_forest(model, batch, arena_), {}});
    const model::PackedRows& rows = batches_.back().embedded.forest.rows;
    batches_.back().weights_T = row_weights(rows, kPooledWeight);
    tokens_ += static_cast<std::int64_t>(rows.positions_T.size());
    last = std::max(last, *std::max_element(rows.positions_T.begin(), rows.positions_T.end()));
  });
  table_ = model.language_model().rotary(last + 1);
}

BlockSample Calibration::observe(const model::LlamaBlock& block, const model::LlamaBlockWeights& weights,
                                 const Wanted& wanted, bool stay) {
  BlockSample sample;
  // Of matrices with the same input, one has a sample. Inputs of the other matrices are not sampled.
  const std::array sites{std::tuple(weights.k.values.data, &sample.attention, wanted.attention),
                         std::tuple(weights.o.values.data, &sample.output, wanted.attention),
                         std::tuple(weights.gate.values.data, &sample.mlp, wanted.mlp),
                         std::tuple(weights.down.values.data, &sample.down, wanted.mlp)};
  for (const Batch& batch : batches_) {
    const nn::Observer observer = [&](const tensor::TensorView& weight, tensor::ConstMatrix x) {
      for (const auto& [data, entering, second_moments] : sites) {
        if (weight.data != data) continue;
        entering->sample.take(x, tokens_);
        if (!second_moments) continue;
        if (!entering->gram) entering->gram.emplace(x.columns);
        entering->gram->add(x, batch.weights_T);
      }
    };
    nn::Pass pass(arena_);
    pass.observer = &observer;
    const tensor::Arena::Scope scope(arena_);
    const tensor::Matrix x_TD = stay ? copy_of(batch.embedded.x_TD, arena_) : batch.embedded.x_TD;
    block.forward(pass.over(batch.embedded.forest.rows.all(table_.get())), x_TD);
  }
  return sample;
}

void Calibration::advance(const model::LlamaBlock& block) {
  const nn::Pass pass(arena_);
  for (const Batch& batch : batches_) {
    block.forward(pass.over(batch.embedded.forest.rows.all(table_.get())), batch.embedded.x_TD);
  }
}

}  // namespace e5v::quantize
