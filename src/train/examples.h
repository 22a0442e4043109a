#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "embed/prepare.h"
#include "train/grad_cache.h"
#include "train/pairs.h"

namespace e5v::train {

/// Turns rows of a file into what the model takes.
class Examples {
 public:
  struct Options {
    std::int64_t max_tokens = 32;          ///< of a sentence, before the prompt; 0: no limit
    float augment = 0;                     ///< strength of drawing::augment for what is trained on
    std::uint64_t seed = 42;               ///< of that
    std::string caption_prompt = "image";  ///< asks for the next tokens; a name or a template
    /// As E5-V's training code: prompts of paper_training_prompt, sentences cut and decoded with clean-up.
    bool paper_prompts = false;
    /// As E5-V's training code: pads of anchors and hard negatives attended to, tokens of id 0 masked.
    bool paper_masks = false;
  };

  /// The preparer must outlive this.
  Examples(embed::Preparer& preparer, Options options);

  /// Of the batches that follow: images are changed at random, by numbers that the step names; none: they stay.
  void for_step(std::optional<std::int64_t> step) { step_ = step; }

  /// A share of a contrastive batch. Throws InvalidInput for what is wrong with an input.
  PairBatch contrastive(std::span<const Pair> pairs, const Share& share);
  PairBatch contrastive(std::span<const Pair> pairs) { return contrastive(pairs, whole(pairs)); }

  /// Sequences whose labels spell the positive, asked for by the anchor: a share of a batch.
  std::vector<TokenSequence> captions(std::span<const Pair> pairs, const Share& share);
  std::vector<TokenSequence> captions(std::span<const Pair> pairs) { return captions(pairs, whole(pairs)); }

 private:
  static Share whole(std::span<const Pair> pairs) { return {0, static_cast<std::int64_t>(pairs.size())}; }
  TokenSequence sequence(Input input, std::uint32_t name);
  Input seen(Input input, std::uint32_t name);
  std::string cut(const std::string& sentence) const;
  void pad_as_the_paper(PairBatch& batch) const;

  embed::Preparer& preparer_;
  Options options_;
  std::string paper_template_;
  std::optional<std::int64_t> step_;
  std::int32_t end_ = 0;  // token behind a caption, and the paper's pad
};

}  // namespace e5v::train
