#include "ops/optimizer.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/parallel.h"
#include "ops/random.h"

namespace e5v::ops::test {
namespace {

using testing::ThrowsMessage;

/// Tensors of several lengths, one of them beyond a chunk of a thread, before any step.
struct Trained {
  static constexpr std::int64_t kSizes[] = {3, 40000, 1};
  std::vector<RandomMatrix> values, gradients;
  std::vector<std::vector<float>> means, squares;

  Trained() {
    for (const std::int64_t size : kSizes) {
      values.emplace_back(1, size, 100);
      means.emplace_back(static_cast<std::size_t>(size));
      squares.emplace_back(static_cast<std::size_t>(size));
    }
    draw_gradients(0);
  }

  void draw_gradients(unsigned seed) {
    gradients.clear();
    for (const std::int64_t size : kSizes) gradients.emplace_back(1, size, seed);
  }

  std::vector<AdamWTensor> tensors() {
    std::vector<AdamWTensor> all;
    for (std::size_t i = 0; i < values.size(); ++i) {
      all.push_back({values[i].tensor.as<float>(), gradients[i].floats(), means[i], squares[i]});
    }
    return all;
  }
};

AdamWFactors factors_of(const reference::AdamW::Options& o, int step) {
  AdamWFactors factors;
  factors.keep = static_cast<float>(1 - o.rate * o.weight_decay);
  factors.one_minus_beta1 = static_cast<float>(1 - o.beta1);
  factors.beta2 = static_cast<float>(o.beta2);
  factors.one_minus_beta2 = static_cast<float>(1 - o.beta2);
  factors.correction2 = static_cast<float>(std::sqrt(1 - std::pow(o.beta2, step)));
  factors.epsilon = static_cast<float>(o.epsilon);
  factors.size = static_cast<float>(o.rate / (1 - std::pow(o.beta1, step)));
  return factors;
}

TEST(AdamW, EqualsItsTwin) {
  const reference::AdamW::Options options{0.01, 0.8, 0.95, 1e-3, 0.1};
  Trained trained;
  std::vector<reference::AdamW> twins;
  for (const RandomMatrix& values : trained.values) {
    for (const double value : values.exact.values) twins.push_back({value});
  }
  for (int step = 1; step <= 5; ++step) {
    trained.draw_gradients(static_cast<unsigned>(step));
    std::size_t twin = 0;
    for (const RandomMatrix& gradient : trained.gradients) {
      for (const double value : gradient.exact.values) twins[twin++].step(value, step, options);
    }
    adamw(factors_of(options, step), trained.tensors());
  }
  std::size_t twin = 0;
  for (std::size_t i = 0; i < trained.values.size(); ++i) {
    for (std::size_t j = 0; j < trained.means[i].size(); ++j, ++twin) {
      ASSERT_NEAR(trained.values[i].floats()[j], twins[twin].value, 1e-5);
      ASSERT_NEAR(trained.means[i][j], twins[twin].mean, 1e-5);
      ASSERT_NEAR(trained.squares[i][j], twins[twin].square, 1e-5);
    }
  }
}

TEST(AdamW, LengthsAndPlacesAreChecked) {
  Trained trained;
  auto tensors = trained.tensors();
  tensors[1].mean = tensors[1].mean.first(2);
  EXPECT_THAT([&] { adamw({}, tensors); },
              ThrowsMessage<InvalidInput>(
                  "[adamw] tensor 1 has 40000 values, 40000 of a gradient and averages of 2 and 40000"));
  tensors = trained.tensors();
  tensors[2].place = tensor::Place::device;
  EXPECT_THAT([&] { adamw({}, tensors); },
              ThrowsMessage<InvalidInput>("[adamw] tensor 2 is in another place than the first"));
  adamw({}, {});
}

TEST(SquareSum, IsInDoubleAndDoesNotDependOnThreads) {
  const RandomMatrix first(1, 70000, 1), second(1, 5, 2);
  const std::span<const float> lists[] = {first.floats(), second.floats(), {}};
  double expected = 0;
  for (const RandomMatrix* list : {&first, &second}) {
    for (const double value : list->exact.values) expected += value * value;
  }
  const int threads = thread_count();
  set_thread_count(1);
  const double one = square_sum(lists, tensor::Place::host);
  set_thread_count(3);
  EXPECT_EQ(square_sum(lists, tensor::Place::host), one);
  set_thread_count(threads);
  EXPECT_NEAR(one, expected, 1e-12 * expected);
  EXPECT_EQ(square_sum({}, tensor::Place::host), 0);
}

TEST(Scale, MultipliesEveryNumber) {
  const RandomMatrix first(1, 40000, 1), second(1, 5, 2);
  const std::span<float> lists[] = {first.tensor.as<float>(), second.tensor.as<float>()};
  scale(lists, 0.5f, tensor::Place::host);
  for (const RandomMatrix* list : {&first, &second}) {
    for (std::size_t i = 0; i < list->floats().size(); ++i) {
      ASSERT_EQ(list->floats()[i], static_cast<float>(list->exact.values[i]) / 2);
    }
  }
}

}  // namespace
}  // namespace e5v::ops::test
