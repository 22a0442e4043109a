#include "train/captioning.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "base/interrupted.h"
#include "train/small_model.h"

namespace e5v::train {
namespace {

using test::alone;
using test::SmallModel;

/// The mean over all labels, from the scores of each sequence alone, in double.
CaptionLoss twin(const Trainee& model, const std::vector<TokenSequence>& sequences) {
  CaptionLoss loss;
  double labels = 0;
  for (const TokenSequence& sequence : sequences) {
    tensor::Arena arena;
    const nn::Pass pass(arena);
    const tensor::Matrix y_PD = arena.matrix(tensor::DType::f32, sequence.pooled(), model.width());
    const tensor::Matrix logits_PV = arena.matrix(tensor::DType::f32, sequence.pooled(), model.vocabulary());
    model.forward(pack_sequences({&sequence, 1}), y_PD, pass);
    model.predict(y_PD, logits_PV, pass);
    for (std::int64_t row = 0; row < sequence.pooled(); ++row) {
      const std::span<const float> scores(logits_PV.row<float>(row), static_cast<std::size_t>(model.vocabulary()));
      const float of_label = scores[static_cast<std::size_t>(sequence.labels[static_cast<std::size_t>(row)])];
      double sum = 0;
      for (const float score : scores) sum += std::exp(static_cast<double>(score));
      loss.loss += std::log(sum) - static_cast<double>(of_label);
      loss.accuracy += of_label == std::ranges::max(scores) ? 1 : 0;
      ++labels;
    }
  }
  return {loss.loss / labels, loss.accuracy / labels};
}

TEST(Captioning, TheLossIsTheMeanCrossEntropyOfALabel) {
  SmallModel small({.captions = true});
  ASSERT_NE(small.captions[0].labels.size(), small.captions[1].labels.size()) << "a mean over sequences is another";
  // One label is what the model would say next: random weights never hit another.
  tensor::Arena arena;
  const tensor::Matrix y_PD = arena.matrix(tensor::DType::f32, small.captions[0].pooled(), small.model.width());
  const tensor::Matrix logits_PV = arena.matrix(tensor::DType::f32, small.captions[0].pooled(), 2368);
  small.model.forward(pack_sequences(std::span(small.captions).first(1)), y_PD, arena);
  small.model.predict(y_PD, logits_PV, arena);
  const float* scores = logits_PV.row<float>(small.captions[0].pooled() - 1);
  small.captions[0].labels.back() = static_cast<std::int32_t>(std::max_element(scores, scores + 2368) - scores);

  const CaptionLoss expected = twin(small.model, small.captions);
  EXPECT_GT(expected.accuracy, 0);
  for (const std::int64_t micro_batch : {1, 2}) {
    const CaptionLoss found = Captioning(small.model, micro_batch, alone).evaluate(small.captions);
    EXPECT_NEAR(found.loss, expected.loss, 1e-5) << micro_batch;
    EXPECT_DOUBLE_EQ(found.accuracy, expected.accuracy) << micro_batch;
  }
}

TEST(Captioning, PartsGiveTheWhole) {
  SmallModel small({.captions = true});
  const nn::Dropout dropout{0.2f, 7, 3};
  const CaptionLoss whole = Captioning(small.model, 2, alone).accumulate(small.captions, &dropout);
  const std::vector<std::vector<float>> expected = small.gradients();
  small.model.clear_gradients();
  const CaptionLoss parts = Captioning(small.model, 1, alone).accumulate(small.captions, &dropout);
  EXPECT_NEAR(parts.loss, whole.loss, 1e-5);
  const std::vector<std::vector<float>> found = small.gradients();
  double largest = 0;
  for (std::size_t p = 0; p < expected.size(); ++p) {
    for (std::size_t i = 0; i < expected[p].size(); ++i) {
      ASSERT_NEAR(found[p][i], expected[p][i], 1e-5) << p;
      largest = std::max(largest, std::abs(static_cast<double>(expected[p][i])));
    }
  }
  EXPECT_GT(largest, 1e-3);
}

TEST(Captioning, EvaluationDropsNothingAndLeavesTheGradients) {
  SmallModel small({.captions = true});
  Captioning captioning(small.model, 2, alone);
  const double sure = captioning.evaluate(small.captions).loss;
  for (const std::vector<float>& gradient : small.gradients()) EXPECT_THAT(gradient, testing::Each(0.0f));
  EXPECT_DOUBLE_EQ(captioning.accumulate(small.captions, nullptr).loss, sure);
  const nn::Dropout dropout{0.3f, 7, 3};
  EXPECT_NE(captioning.accumulate(small.captions, &dropout).loss, sure);
}

TEST(Captioning, IsAskedToStopBeforeEachPart) {
  SmallModel small({.captions = true});
  Captioning captioning(small.model, 1, alone);
  int asked = 0;
  captioning.accumulate(small.captions, nullptr, [&] { ++asked; });
  EXPECT_EQ(asked, 2);
  small.model.clear_gradients();
  EXPECT_THROW(captioning.accumulate(small.captions, nullptr, [] { throw Interrupted(); }), Interrupted);
  EXPECT_THAT(small.gradients().front(), testing::Each(0.0f));
}

TEST(Captioning, ABatchHasLabels) {
  SmallModel small({.captions = true});
  const std::vector<TokenSequence> batch{TokenSequence::from({1, 2, 3}, 0)};
  EXPECT_THAT([&] { Captioning(small.model, 1, alone).evaluate(batch); },
              testing::ThrowsMessage<InvalidInput>("[captions] a batch without labels"));
}

}  // namespace
}  // namespace e5v::train
