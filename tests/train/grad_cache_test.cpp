#include "train/grad_cache.h"

#include <gmock/gmock.h>

#include "train/small_model.h"

namespace e5v::train {
namespace {

using test::alone;
using test::Setting;
using test::SmallModel;
using testing::ThrowsMessage;

TEST(ShareOf, SharesAreEvenAndFollowOneAnother) {
  for (const std::int64_t total : {0, 1, 2, 7, 9}) {
    std::int64_t next = 0;
    for (int process = 0; process < 3; ++process) {
      const Share share = share_of(total, process, 3);
      EXPECT_EQ(share.from, next) << total;
      EXPECT_GE(share.count, total / 3) << total;
      EXPECT_LE(share.count, (total + 2) / 3) << total;
      next += share.count;
    }
    EXPECT_EQ(next, total);
  }
  EXPECT_EQ(share_of(7, 2, 3).count, 3) << "the last one's is the largest";
}

TEST(PairBatch, CountsItsPairsAndTokens) {
  const PairBatch batch{
      {TokenSequence::from({1, 2}, 0)}, {TokenSequence::from({3}, 1)}, {TokenSequence::from({4, 5, 6}, 2)}, 4, true};
  EXPECT_EQ(batch.pairs(), 1);
  EXPECT_EQ(batch.tokens(), 6);
}

/// Gradients in parts are those of the whole, dropout included.
TEST(GradCache, PartsGiveTheWhole) {
  for (const float dropout_share : {0.0f, 0.2f}) {
    SmallModel small({"", {"lora"}, false, false, dropout_share});
    const nn::Dropout dropout{dropout_share, 7, 3};
    std::vector<std::vector<float>> first;
    double first_loss = 0;
    for (const std::int64_t micro_batch : {3, 2, 1}) {
      GradCache cache(small.model, {.micro_batch = micro_batch}, alone);
      small.model.clear_gradients();
      const double loss = cache.accumulate(small.batch, &dropout).loss;
      const std::vector<Parameter> parameters = small.model.parameters();
      for (std::size_t p = 0; p < parameters.size(); ++p) {
        if (micro_batch == 3) {
          first.emplace_back(parameters[p].gradient.begin(), parameters[p].gradient.end());
          continue;
        }
        for (std::size_t i = 0; i < first[p].size(); ++i) ASSERT_NEAR(parameters[p].gradient[i], first[p][i], 1e-5);
      }
      if (micro_batch == 3) first_loss = loss;
      EXPECT_NEAR(loss, first_loss, 1e-5);
    }
  }
}

/// A block that is computed once more for its backward pass has the activations that it had.
TEST(GradCache, KeptActivationsChangeNothing) {
  const Setting setting{"", {"all"}, true};
  std::vector<std::vector<float>> first;
  for (const std::int64_t kept : {std::int64_t{2} << 30, std::int64_t{0}}) {
    SmallModel small(setting, kept);
    GradCache cache(small.model, {.micro_batch = 3}, alone);
    small.model.clear_gradients();
    cache.accumulate(small.batch, nullptr);
    const std::vector<Parameter> parameters = small.model.parameters();
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      const std::vector<float> gradient(parameters[p].gradient.begin(), parameters[p].gradient.end());
      if (kept > 0) {
        first.push_back(gradient);
      } else {
        EXPECT_EQ(gradient, first[p]) << parameters[p].name;
      }
    }
  }
  EXPECT_GT(std::ranges::count_if(first.front(), [](float value) { return value != 0; }), 0);
}

TEST(GradCache, DropoutTwinsDiffer) {
  SmallModel small({"", {"lora"}, false, false, 0.3f});
  Examples examples(small.preparer, {});
  const std::vector<Pair> twins{{Input::from_text("Two dogs run."), Input::from_text("Two dogs run."), std::nullopt},
                                {Input::from_text("It is cold."), Input::from_text("It is cold."), std::nullopt}};
  const PairBatch batch = examples.contrastive(twins);
  GradCache cache(small.model, {.micro_batch = 2}, alone);
  const double sure = cache.evaluate(batch).loss;
  const nn::Dropout dropout{0.3f, 7, 3}, other{0.3f, 7, 4};
  small.model.clear_gradients();
  const double dropped = cache.accumulate(batch, &dropout).loss;
  EXPECT_GT(dropped, sure);  // twins without dropout are the same vector
  EXPECT_NE(cache.accumulate(batch, &other).loss, dropped);
}

TEST(GradCache, EmbedsEachSequenceInItsPlace) {
  SmallModel small;
  GradCache cache(small.model, {}, alone);
  const auto embed = [&](std::span<const TokenSequence> sequences) {
    tensor::Tensor y_SD(tensor::DType::f32, {std::ssize(sequences), small.model.width()});
    cache.embed(sequences, matrix_of(y_SD), nullptr);
    return y_SD;
  };
  const tensor::Tensor all = embed(small.batch.anchors);
  for (std::size_t i = 0; i < 3; ++i) {
    const tensor::Tensor one = embed({&small.batch.anchors[i], 1});
    for (std::size_t d = 0; d < 128; ++d) ASSERT_NEAR(one.as<float>()[d], all.as<float>()[128 * i + d], 1e-5) << i;
  }
}

/// InfoNCE of the batch's vectors, and nothing else.
TEST(GradCache, EvaluationIsTheLossOfTheVectors) {
  SmallModel small;
  for (const bool symmetric : {false, true}) {
    const ContrastiveOptions options{.temperature = 0.1f, .symmetric = symmetric};
    GradCache cache(small.model, {.micro_batch = 2, .loss = options}, alone);
    std::vector<tensor::Tensor> kinds;
    for (const auto* kind : {&small.batch.anchors, &small.batch.positives, &small.batch.negatives}) {
      kinds.emplace_back(tensor::DType::f32, tensor::Shape{3, 128});
      cache.embed(*kind, matrix_of(kinds.back()), nullptr);
    }
    tensor::Arena arena;
    const ContrastiveLoss expected =
        contrastive_loss({matrix_of(kinds[0]), matrix_of(kinds[1]), matrix_of(kinds[2])}, options, arena);
    const ContrastiveLoss found = cache.evaluate(small.batch);
    EXPECT_NEAR(found.loss, expected.loss, 1e-5);
    EXPECT_DOUBLE_EQ(found.accuracy, expected.accuracy);
    EXPECT_THAT(small.gradients().front(), testing::Each(0.0f));
    EXPECT_NEAR(cache.accumulate(small.batch, nullptr).loss, expected.loss, 1e-5);
    small.model.clear_gradients();
  }
}

TEST(GradCache, IsAskedToStopBeforeEachPart) {
  SmallModel small;
  const auto asked = [&](std::int64_t micro_batch) {
    int count = 0;
    GradCache(small.model, {.micro_batch = micro_batch}, alone).accumulate(small.batch, nullptr, [&] { ++count; });
    return count;
  };
  EXPECT_EQ(asked(3), 1) << "one part is computed once";
  EXPECT_EQ(asked(2), 4) << "two parts without gradients, and the same once more";
}

TEST(GradCache, ABatchIsWhole) {
  SmallModel small;
  GradCache cache(small.model, {}, alone);
  PairBatch batch = small.batch;
  batch.total = 4;
  EXPECT_THAT([&] { cache.evaluate(batch); }, ThrowsMessage<InvalidInput>("[train] 3 of 4 pairs, expected 4"));
  batch = small.batch;
  batch.positives.pop_back();
  constexpr const char* kUneven = "[train] a batch of 3 anchors, 2 positives and 3 negatives";
  EXPECT_THAT([&] { cache.accumulate(batch, nullptr); }, ThrowsMessage<InvalidInput>(kUneven));
  batch = small.batch;
  batch.has_negatives = false;
  EXPECT_THAT([&] { cache.evaluate(batch); },
              ThrowsMessage<InvalidInput>("[train] a batch of 3 anchors, 3 positives and 3 negatives"));
  EXPECT_THAT([&] { cache.evaluate({}); }, ThrowsMessage<InvalidInput>("[train] 0 of 0 pairs, expected 0"));
}

}  // namespace
}  // namespace e5v::train
