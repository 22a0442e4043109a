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

/// Turns the rows of a file into inputs of the model.
class Examples {
 public:
  struct Options {
    std::int64_t max_tokens = 32;          ///< of a sentence without the prompt; 0: no limit
    float augment = 0;                     ///< strength of drawing::augment for training images
    std::uint64_t seed = 42;               ///< of the random changes
    std::string caption_prompt = "image";  ///< precedes the predicted tokens; a name or a template
    /// Follows E5-V's training code: prompts of paper_training_prompt; sentences are cut and decoded with clean-up.
    bool paper_prompts = false;
    /// Follows E5-V's training code: the padding of anchors and hard negatives is attended to, tokens of id 0 are
    /// masked.
    bool paper_masks = false;
  };

  /// The preparer must outlive this.
  Examples(embed::Preparer& preparer, Options options);

  /// Sets the step of the batches that follow. Images are changed at random, by numbers that depend on the step. None:
  /// images stay as they are.
  void for_step(std::optional<std::int64_t> step) { step_ = step; }

  /// A share of a contrastive batch. Throws InvalidInput when an input cannot be used.
  PairBatch contrastive(std::span<const Pair> pairs, const Share& share);
  PairBatch contrastive(std::span<const Pair> pairs) { return contrastive(pairs, whole(pairs)); }

  /// A share of a batch of captions: the labels of a sequence are the tokens of the positive, which follow the anchor.
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
  std::int32_t end_ = 0;  // the token after a caption, which is the paper's padding, too
};

}  // namespace e5v::train
