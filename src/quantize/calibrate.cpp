#include "quantize/calibrate.h"

#include <algorithm>

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

Calibration::Calibration(const model::LlavaNext& model, std::span<const embed::PreparedInput> inputs)
    : embedded_(embed::embed_forest(model, inputs, arena_)) {
  const auto& positions = embedded_.forest.rows.positions_T;
  table_ = model.language_model().rotary(*std::max_element(positions.begin(), positions.end()) + 1);
}

BlockSample Calibration::advance(model::LlamaBlock& block) {
  using Tap = model::LlamaBlock::Tap;
  BlockSample sample;
  block.observe([&](Tap tap, tensor::ConstMatrix x) {
    switch (tap) {
      case Tap::attention: return sample.attention.take(x);
      case Tap::output: return sample.output.take(x);
      case Tap::mlp: return sample.mlp.take(x);
      case Tap::down: return sample.down.take(x);
    }
  });
  block.forward(embedded_.x_TD, embedded_.forest.rows, *table_, arena_);
  block.observe(nullptr);
  return sample;
}

}  // namespace e5v::quantize
