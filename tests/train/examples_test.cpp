#include "train/examples.h"

#include <gmock/gmock.h>

#include "train/golden_triplets.h"
#include "train/small_model.h"

namespace e5v::train {
namespace {

using test::golden_image;
using test::small_preparer;
using test::three_pairs;
using testing::ElementsAre;
using testing::ThrowsMessage;

class ExamplesTest : public testing::Test {
 protected:
  /// The text behind a sequence's tokens.
  std::string text_of(const TokenSequence& sequence) const { return preparer_.tokenizer().decode(sequence.ids, {}); }

  embed::Preparer preparer_ = small_preparer();
};

TEST_F(ExamplesTest, PaperPromptsAndMasksAreTheReferences) {
  const tensor::SafetensorsFile file(e5v::test::golden("train/one_step.safetensors"));
  for (const bool masks : {true, false}) {
    Examples examples(preparer_, {.paper_prompts = true, .paper_masks = masks});
    const PairBatch found = examples.contrastive(test::golden_batches().front());
    const PairBatch expected = test::masked_batch(file, masks ? "as_is" : "fixmask");
    for (const auto kind : {&PairBatch::anchors, &PairBatch::positives, &PairBatch::negatives}) {
      ASSERT_EQ((found.*kind).size(), (expected.*kind).size());
      for (std::size_t i = 0; i < (found.*kind).size(); ++i) {
        EXPECT_EQ((found.*kind)[i].ids, (expected.*kind)[i].ids) << i;
        if (masks) {
          EXPECT_EQ((found.*kind)[i].positions, (expected.*kind)[i].positions) << i;
        }
      }
    }
  }
}

TEST_F(ExamplesTest, AShareIsThatPartOfTheBatch) {
  const std::vector<Pair> triplets = test::golden_batches().front();
  for (const bool paper : {false, true}) {  // the paper's pads depend on all pairs
    Examples examples(preparer_, {.paper_prompts = paper, .paper_masks = paper});
    const PairBatch whole = examples.contrastive(triplets), part = examples.contrastive(triplets, {2, 3});
    EXPECT_EQ(part.total, 6);
    EXPECT_TRUE(part.has_negatives);
    for (const auto kind : {&PairBatch::anchors, &PairBatch::positives, &PairBatch::negatives}) {
      ASSERT_EQ((whole.*kind).size(), 6u);
      ASSERT_EQ((part.*kind).size(), 3u);
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ((part.*kind)[i].ids, (whole.*kind)[i + 2].ids);
        EXPECT_EQ((part.*kind)[i].positions, (whole.*kind)[i + 2].positions);
        EXPECT_EQ((part.*kind)[i].name, (whole.*kind)[i + 2].name);
      }
    }
  }
}

TEST_F(ExamplesTest, SequencesOfABatchHaveNamesOfTheirOwn) {
  const PairBatch batch = Examples(preparer_, {}).contrastive(three_pairs());
  std::vector<std::uint32_t> names;
  for (std::size_t i = 0; i < 3; ++i) {
    for (const auto* kind : {&batch.anchors, &batch.positives, &batch.negatives}) names.push_back((*kind)[i].name);
  }
  EXPECT_THAT(names, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
}

TEST_F(ExamplesTest, GroupsAreNumberedAndAPairWithoutIsAlone) {
  std::vector<Pair> pairs = three_pairs();
  Examples examples(preparer_, {});
  EXPECT_TRUE(examples.contrastive(pairs).groups.empty());
  pairs.push_back(pairs[0]);
  pairs[1].group = pairs[3].group = "dogs";
  EXPECT_THAT(examples.contrastive(pairs).groups, ElementsAre(0, 1, 2, 1));
  EXPECT_THAT(examples.contrastive(pairs, {0, 1}).groups, ElementsAre(0, 1, 2, 1)) << "of all processes' pairs";
}

TEST_F(ExamplesTest, SentencesAreCutToTheirFirstTokens) {
  const std::vector<Pair> pairs{{Input::from_text("It is cold."), Input::from_text("It"), std::nullopt}};
  const auto anchor = [&](std::int64_t max_tokens) {
    return text_of(Examples(preparer_, {.max_tokens = max_tokens}).contrastive(pairs).anchors[0]);
  };
  EXPECT_EQ(preparer_.tokenizer().encode("It is cold.", false).size(), 6u);
  EXPECT_THAT(anchor(0), testing::HasSubstr("It is cold."));
  EXPECT_EQ(anchor(6), anchor(0));
  EXPECT_THAT(anchor(5), testing::HasSubstr("It is cold\n"));
  EXPECT_THAT(anchor(3), testing::HasSubstr("It is\n"));
}

TEST_F(ExamplesTest, CaptionsFollowTheirAnchor) {
  const std::vector<Pair> pairs = three_pairs();
  const std::vector<TokenSequence> captions = Examples(preparer_, {}).captions(pairs, {1, 2});
  ASSERT_EQ(captions.size(), 2u);
  const TokenSequence& first = captions[0];
  const std::vector<std::int32_t> answer = preparer_.tokenizer().encode("A man is reading.", false);
  std::vector<std::int32_t> ids, labels = answer;
  for (const embed::Symbol& symbol : preparer_.prepare(pairs[1].anchor).symbols) ids.push_back(symbol.value);
  ids.insert(ids.end(), answer.begin(), answer.end());
  labels.push_back(preparer_.tokenizer().id_of("<|eot_id|>").value());
  EXPECT_EQ(first.ids, ids);
  EXPECT_EQ(first.labels, labels) << "of each of the last rows the next token, in the end that of the turn";
  EXPECT_EQ(first.positions, TokenSequence::from(ids, 0).positions);
  EXPECT_EQ(first.name, 3u);
}

TEST_F(ExamplesTest, ImagesAreAskedForTheirCaptionByAPrompt) {
  const std::vector<Pair> pairs{{golden_image("img18_dark_90x60.png"), Input::from_text("dark"), std::nullopt}};
  const TokenSequence own = Examples(preparer_, {.caption_prompt = "Say it: <image>"}).captions(pairs)[0];
  ASSERT_EQ(own.images.size(), 1u);
  EXPECT_EQ(std::ranges::count(own.ids, -1), own.images[0]->layout.rows());
  const auto asked = preparer_.tokenizer().encode("Say it: ", true);
  EXPECT_TRUE(std::equal(asked.begin(), asked.end(), own.ids.begin()));
  EXPECT_NE(Examples(preparer_, {}).captions(pairs)[0].ids, own.ids);
}

TEST_F(ExamplesTest, ImagesChangeByTheStep) {
  const std::vector<Pair> pairs = three_pairs(true);
  Examples examples(preparer_, {.augment = 1, .seed = 5});
  const auto pixels = [&](std::optional<std::int64_t> step) {
    examples.for_step(step);
    return examples.contrastive(pairs).anchors[0].images.at(0)->patches.pixels;
  };
  const auto plain = Examples(preparer_, {}).contrastive(pairs).anchors[0].images.at(0)->patches.pixels;
  EXPECT_EQ(pixels(std::nullopt), plain) << "what is held out stays as it is";
  const auto first = pixels(0);
  EXPECT_NE(first, plain);
  EXPECT_NE(pixels(1), first);
  EXPECT_EQ(pixels(0), first);
}

TEST_F(ExamplesTest, WhatTheObjectiveCannotTakeIsRefused) {
  const Input image = golden_image("img18_dark_90x60.png");
  const std::vector<Pair> pictured{{Input::from_text("dark"), image, std::nullopt}};
  EXPECT_THAT([&] { Examples(preparer_, {}).captions(pictured); },
              ThrowsMessage<InvalidInput>("[captions] expected a text after the prompt, found an image"));
  EXPECT_THAT([&] { Examples(preparer_, {.paper_prompts = true, .paper_masks = true}).contrastive(pictured); },
              ThrowsMessage<InvalidInput>("[paper-compat] E5-V's training takes texts only"));
}

TEST_F(ExamplesTest, TheTokenizerHasTheTokenThatEndsATurn) {
  embed::Preparer other(preparer_.shared_tokenizer(), text::ChatStyle::phi3, preparer_.preprocess(), preparer_.limits(),
                        {}, "");
  EXPECT_THAT([&] { Examples(other, {}); },
              ThrowsMessage<ModelError>("[tokenizer.json] has no token <|end|>, which ends a turn"));
}

}  // namespace
}  // namespace e5v::train
