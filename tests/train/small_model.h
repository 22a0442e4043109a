#pragma once
#include <random>
#include <string>
#include <vector>

#include "families/llava_next/prepare.h"
#include "golden.h"
#include "processes/group.h"
#include "train/examples.h"
#include "train/trainee.h"

namespace e5v::train::test {

inline const processes::Group alone;

inline std::filesystem::path small_checkpoint() { return e5v::test::golden("ckpt/tiny-small-f32"); }

/// What turns inputs into sequences for the tiny checkpoint: one tile of an image is enough.
inline embed::Preparer small_preparer() {
  PrepareOptions options;
  options.max_tiles = 1;
  return families::make_llava_next_preparer(small_checkpoint(), model::read_config(small_checkpoint()), options);
}

inline Input golden_image(const char* name) {
  return Input::from_image(std::filesystem::path(e5v::test::golden("images") / name));
}

/// Three triplets; the first anchor is an image if that is asked.
inline std::vector<Pair> three_pairs(bool image = false) {
  return {{image ? golden_image("img18_dark_90x60.png") : Input::from_text("Two dogs run."),
           Input::from_text("Dogs are running."), "A cat sleeps."},
          {Input::from_text("He reads a book."), Input::from_text("A man is reading."), "Nobody is reading."},
          {Input::from_text("It is cold."), Input::from_text("The day is freezing."), "It is hot."}};
}

/// What of the tiny checkpoint is trained, and on what.
struct Setting {
  std::string name{};
  std::vector<std::string> parts{"lora"};
  bool images = false, captions = false;
  float dropout = 0;
};

/// The tiny checkpoint under training, and a batch of three pairs or two captions for it. Both matrices of an adapter
/// are random, so that all gradients differ from zero.
struct SmallModel {
  explicit SmallModel(const Setting& setting = {}, std::int64_t kept_bytes = TraineeOptions{}.kept_bytes)
      : model(small_checkpoint(), preparer.preprocess(), trainee_options(setting, kept_bytes)) {
    Examples examples(preparer, {});
    const std::vector<Pair> pairs = three_pairs(setting.images);
    if (setting.captions)
      captions = examples.captions(std::span(pairs).first(2));
    else
      batch = examples.contrastive(pairs);
    if (model.lora() == nullptr) return;
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0, 0.05f);
    for (const nn::Lora& part : model.lora()->adapter().parts) {
      for (float& value : part.b_NR.as<float>()) value = normal(random);
    }
  }

  static TraineeOptions trainee_options(const Setting& setting, std::int64_t kept_bytes) {
    TraineeOptions result;
    result.kept_bytes = kept_bytes;
    result.parts = TrainedParts::from(setting.parts);
    result.lora = {.rank = 4, .alpha = 8, .dropout = static_cast<double>(setting.dropout)};
    result.images = setting.images;
    result.head = setting.captions;
    return result;
  }

  /// Copies of the gradients of all parameters.
  std::vector<std::vector<float>> gradients() const {
    std::vector<std::vector<float>> result;
    for (const Parameter& parameter : model.parameters())
      result.emplace_back(parameter.gradient.begin(), parameter.gradient.end());
    return result;
  }

  embed::Preparer preparer = small_preparer();
  Trainee model;
  PairBatch batch;
  std::vector<TokenSequence> captions;
};

}  // namespace e5v::train::test
