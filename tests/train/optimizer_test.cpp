#include "train/optimizer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "ops/reference/ops.h"

namespace e5v::train {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t kSizes[] = {3, 40000, 0, 1, 20000};

/// Tensors of kSizes with values and gradients of [-1, 1), others for every seed.
struct Tensors {
  std::vector<std::vector<float>> values, gradients;

  explicit Tensors(std::uint64_t seed) {
    for (const std::int64_t size : kSizes) {
      values.push_back(random(size, Philox(seed, 2 * values.size())));
      gradients.push_back(random(size, Philox(seed, 2 * gradients.size() + 1)));
    }
  }

  std::vector<TrainedSpan> spans() {
    std::vector<TrainedSpan> all;
    for (std::size_t i = 0; i < values.size(); ++i) all.push_back({values[i], gradients[i]});
    return all;
  }

 private:
  static std::vector<float> random(std::int64_t size, const Philox& stream) {
    std::vector<float> numbers;
    for (std::int64_t i = 0; i < size; ++i) {
      numbers.push_back(2 * Philox::uniform(stream.at(static_cast<std::uint64_t>(i))) - 1);
    }
    return numbers;
  }
};

TEST(Optimizer, IsItsTwin) {
  for (const OptimizerOptions& options :
       {OptimizerOptions{}, OptimizerOptions{0.8, 0.95, 1e-3, 0.1}, OptimizerOptions{0, 0, 1e-8, 0}}) {
    Tensors tensors(0);
    Optimizer optimizer(tensors.spans(), options);
    std::vector<ops::reference::AdamW> twins;
    for (const float value : tensors.values[4]) twins.push_back({value});
    for (int step = 1; step <= 12; ++step) {
      const double rate = 0.01 / step;
      tensors.gradients = Tensors(static_cast<std::uint64_t>(step)).gradients;
      for (std::size_t i = 0; i < twins.size(); ++i) {
        twins[i].step(tensors.gradients[4][i], step,
                      {rate, options.beta1, options.beta2, options.epsilon, options.weight_decay});
      }
      optimizer.step(tensors.spans(), rate);
    }
    EXPECT_EQ(optimizer.state().step, 12);
    for (std::size_t i = 0; i < twins.size(); ++i) {
      ASSERT_NEAR(tensors.values[4][i], twins[i].value, 1e-6);
      ASSERT_NEAR(optimizer.state().mean[4][i], twins[i].mean, 1e-6);
      ASSERT_NEAR(optimizer.state().square[4][i], twins[i].square, 1e-6);
    }
  }
}

TEST(Optimizer, IsPyTorchsStep) {
  // From a recorded first step of torch.optim.AdamW, rate 4e-4, behind clip_grad_norm_ to 1: the values with the
  // smallest gradients, where epsilon matters most, before and after.
  const float clipped = static_cast<float>(1 / (15.920371576555342 + 1e-6));
  std::vector<float> values{0.09483721107244492f,  0.09538915008306503f, 0.01020723395049572f,
                            0.028532100841403008f, 0.05099097266793251f, 0.019172850996255875f};
  std::vector<float> gradients{4.535959305940196e-07f,   8.874339982867241e-07f, -9.611248970031738e-07f,
                               -1.1327210813760757e-06f, 1.541106030344963e-06f, 1.5875989447522443e-06f};
  const std::vector<float> after{0.09454113245010376f,  0.09504999220371246f, 0.010550391860306263f,
                                 0.028882808983325958f, 0.0506284236907959f,  0.018809307366609573f};
  for (float& gradient : gradients) gradient *= clipped;
  const TrainedSpan tensor[] = {{values, gradients}};
  Optimizer(tensor, {}).step(tensor, 4e-4);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_FLOAT_EQ(values[i], after[i]);
}

TEST(Optimizer, GoesOnFromItsState) {
  Tensors whole(0), resumed(0);
  Optimizer first(whole.spans(), {}), second(resumed.spans(), {});
  first.step(whole.spans(), 0.1);
  second.step(resumed.spans(), 0.1);
  Optimizer restored(resumed.spans(), {});
  restored.restore(second.state());
  first.step(whole.spans(), 0.1);
  restored.step(resumed.spans(), 0.1);
  EXPECT_EQ(whole.values, resumed.values);
}

/// Under Muon, which has a test of its own, matrices inside the network keep no squares; all else follows AdamW.
TEST(Optimizer, LeavesMatricesToMuon) {
  Tensors mixed(0), plain(0);
  auto spans = mixed.spans();
  spans[1].rows = 200;
  Optimizer optimizer(spans, {.muon = true}), adamw(plain.spans(), {});
  for (int step = 0; step < 2; ++step) {
    optimizer.step(spans, 0.1);
    adamw.step(plain.spans(), 0.1);
  }
  for (const std::size_t i : {0u, 2u, 3u, 4u}) EXPECT_EQ(mixed.values[i], plain.values[i]) << i;
  EXPECT_NE(mixed.values[1], plain.values[1]);
  EXPECT_TRUE(optimizer.state().square[1].empty());
  Tensors resumed = mixed;
  auto going_on = resumed.spans();
  going_on[1].rows = 200;
  Optimizer restored(going_on, {.muon = true});
  restored.restore(optimizer.state());
  optimizer.step(spans, 0.1);
  restored.step(going_on, 0.1);
  EXPECT_EQ(mixed.values, resumed.values);
}

TEST(Optimizer, SaysWhatDoesNotFit) {
  Tensors tensors(0);
  Optimizer optimizer(tensors.spans(), {});
  auto spans = tensors.spans();
  spans.pop_back();
  EXPECT_THAT([&] { optimizer.step(spans, 1); }, ThrowsMessage<InvalidInput>("[optimizer] 4 tensors, expected 5"));
  spans = tensors.spans();
  spans[3] = spans[0];
  EXPECT_THAT([&] { optimizer.step(spans, 1); },
              ThrowsMessage<InvalidInput>("[optimizer] tensor 3 has 3 values, expected 1"));
  spans = tensors.spans();
  spans[0].gradient = spans[3].gradient;
  EXPECT_THAT([&] { optimizer.step(spans, 1); },
              ThrowsMessage<InvalidInput>("[optimizer] tensor 0 has 3 values, its gradient 1"));
  OptimizerState state = optimizer.state();
  state.square[0].clear();
  EXPECT_THAT([&] { optimizer.restore(state); },
              ThrowsMessage<InvalidInput>("[optimizer] state of tensor 0 has 0 values, expected 3"));
  EXPECT_THAT([&] { Optimizer(tensors.spans(), {.beta2 = 1}); },
              ThrowsMessage<InvalidInput>(HasSubstr("betas in [0, 1), found 1")));
  EXPECT_EQ(optimizer.state().step, 0);
}

TEST(ClipGradients, ScalesToTheNorm) {
  std::vector<float> values(2), first{3, 0}, second{0, 4};
  const TrainedSpan tensors[] = {{values, first}, {values, second}};
  EXPECT_EQ(clip_gradients(tensors, 2), 5);
  EXPECT_FLOAT_EQ(first[0], static_cast<float>(3 * 2 / (5 + 1e-6)));
  EXPECT_FLOAT_EQ(second[1], static_cast<float>(4 * 2 / (5 + 1e-6)));
}

TEST(ClipGradients, LeavesSmallOnesAlone) {
  std::vector<float> values(2), gradient{3, 4};
  const TrainedSpan tensors[] = {{values, gradient}};
  EXPECT_EQ(clip_gradients(tensors, 5.1), 5);
  EXPECT_THAT(gradient, testing::ElementsAre(3, 4));
  EXPECT_EQ(clip_gradients({}, 1), 0);
}

TEST(ClipGradients, DoesNotDependOnThreads) {
  Tensors one(1), many(1);
  const int threads = thread_count();
  set_thread_count(1);
  const double norm = clip_gradients(one.spans(), 1);
  set_thread_count(3);
  EXPECT_EQ(clip_gradients(many.spans(), 1), norm);
  set_thread_count(threads);
  EXPECT_EQ(one.gradients, many.gradients);
  EXPECT_NEAR(clip_gradients(one.spans(), 2), 1, 1e-6);
}

TEST(ClipGradients, ShowsThatGradientsAreBroken) {
  std::vector<float> values(2), gradient{1, std::numeric_limits<float>::quiet_NaN()};
  const TrainedSpan tensors[] = {{values, gradient}};
  EXPECT_TRUE(std::isnan(clip_gradients(tensors, 1)));
  EXPECT_TRUE(std::isnan(gradient[0]));
  EXPECT_THAT([&] { clip_gradients(tensors, 0); },
              ThrowsMessage<InvalidInput>("[clip_gradients] expected a norm above 0, found 0"));
}

}  // namespace
}  // namespace e5v::train
