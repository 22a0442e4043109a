#include "embed/executor.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "embed/fake_engine.h"

namespace e5v::embed {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Executor, ScalesEachVectorAsItsInputAsks) {
  const test::FakeEngine engine;
  Executor executor(engine);
  std::vector<PreparedInput> inputs{test::fake_input({3, 4}), test::fake_input({3, 4}), test::fake_input({3, 4})};
  inputs[1].normalize = false;
  inputs[2].dimensions = 1;
  const BatchVectors vectors = executor.run(inputs);
  EXPECT_THAT(vectors.vector(0), ElementsAre(0.6f, 0.8f));
  EXPECT_THAT(vectors.vector(1), ElementsAre(3.0f, 4.0f));
  EXPECT_THAT(vectors.vector(2), ElementsAre(1.0f));
  EXPECT_EQ(engine.passes, 1);
}

TEST(Executor, AProblemIsThatOfItsInputAlone) {
  test::FakeEngine engine;
  Executor executor(engine);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector inputs{test::fake_input({0, nan}), test::fake_input({0, 1}), test::fake_input({0, 0}),
                           test::fake_input({nan, 0})};
  const BatchVectors vectors = executor.run(inputs);
  EXPECT_EQ(vectors.problem(0), "the result is not finite; all weights are, so the model overflows on this input");
  EXPECT_EQ(vectors.problem(1), "");
  EXPECT_THAT(vectors.vector(1), ElementsAre(0.0f, 1.0f));
  EXPECT_THAT(vectors.problem(2), HasSubstr("the vector has length 0 and cannot be scaled to 1"));
  EXPECT_EQ(engine.looked_for_weights, 1);  // reading all weights is done once
  EXPECT_TRUE(vectors.vector(3).empty());
}

TEST(Executor, NamesTheWeightThatIsNotFinite) {
  test::FakeEngine engine;
  engine.broken_weight = "norm.weight";
  Executor executor(engine);
  const std::vector inputs{test::fake_input({std::numeric_limits<float>::infinity(), 0})};
  EXPECT_EQ(executor.run(inputs).problem(0), "the result is not finite; weight norm.weight holds NaN or infinity");
}

TEST(Executor, NoInputsAreNoPass) {
  const test::FakeEngine engine;
  Executor executor(engine);
  EXPECT_EQ(executor.run({}).size(), 0u);
  EXPECT_EQ(engine.passes, 0);
}

}  // namespace
}  // namespace e5v::embed
