#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "e5v/embedder.h"
#include "embed/goldens.h"

namespace e5v::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// The tiny model, with one tile per image to be quick.
class Submitting : public testing::Test {
 protected:
  std::vector<Input> texts(int count) const {
    std::vector<Input> inputs;
    for (int i = 0; i < count; ++i) inputs.push_back(Input::from_text("text number " + std::to_string(i)));
    return inputs;
  }
  Input image() const { return Input::from_image(golden("images/img18_dark_90x60.png")); }

  Embedder embedder_ = Embedder::load(golden("ckpt/tiny-small-f32"), {.threads = 1});
  PrepareOptions quick_{.max_tiles = 1};
};

TEST_F(Submitting, OneInputHasTheBitsOfAListOfOne) {
  for (const Input& input : {Input::from_text("a cat"), image(), Input::composed(image().images[0], "at night")}) {
    const Embeddings list = embedder_.embed(std::span(&input, 1), {}, quick_);
    const EmbeddedInput one = embedder_.submit(input, {}, {}, quick_).get();
    EXPECT_TRUE(std::ranges::equal(one.vector, list.row(0)));
    EXPECT_EQ(one.tokens, list.token_counts[0]);
    EXPECT_EQ(*one.fingerprint, list.fingerprint(0));
  }
}

TEST_F(Submitting, InputsHaveTheirVectorsWhateverTheirBatch) {
  std::vector<Input> inputs = texts(60);
  inputs.insert(inputs.begin() + 20, image());
  const Embeddings list = embedder_.embed(inputs, {}, quick_);
  std::vector<std::future<EmbeddedInput>> futures;
  for (const Input& input : inputs) futures.push_back(embedder_.submit(input, {}, {}, quick_));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_LT(max_difference(futures[i].get().vector, list.row(static_cast<std::int64_t>(i))), 1e-5) << i;
  }
}

TEST_F(Submitting, CallsFromManyThreadsGiveTheVectorsOfOne) {
  const std::vector<Input> inputs = texts(40);
  const Embeddings expected = embedder_.embed(inputs);
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        if (t % 2 == 0) {
          wrong += embedder_.embed(inputs).values != expected.values;
          return;
        }
        for (std::size_t i = 0; i < inputs.size(); ++i) {
          const EmbeddedInput found = embedder_.submit(inputs[i]).get();
          wrong += !(max_difference(found.vector, expected.row(static_cast<std::int64_t>(i))) < 1e-5);
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(embedder_.counters().done, 4 * 40);
}

TEST_F(Submitting, OptionsAreThoseOfTheCall) {
  const Input photo = Input::from_image(golden("images/img00_rgb_640x480.jpg"));
  auto small = embedder_.submit(photo, {}, {}, quick_), whole = embedder_.submit(photo);
  auto raw = embedder_.submit(photo, {}, {.normalize = false}, quick_);
  const EmbeddedInput one_tile = small.get();
  EXPECT_LT(one_tile.tokens, whole.get().tokens);
  const std::vector<float> unscaled = raw.get().vector;
  EXPECT_GT(cosine(unscaled, one_tile.vector), 0.99999);
  EXPECT_GT(max_difference(unscaled, one_tile.vector), 0.01);
}

TEST_F(Submitting, WhatIsKnownIsGivenAgain) {
  const std::vector<float> first = embedder_.submit(image(), {}, {}, quick_).get().vector;
  EXPECT_EQ(embedder_.submit(image(), {}, {}, quick_).get().vector, first);
  EXPECT_EQ(embedder_.counters().cache_hits, 1);
  EXPECT_EQ(embedder_.counters().batches, 1);
}

TEST_F(Submitting, ErrorsReachTheirFuture) {
  auto bad = embedder_.submit(Input::from_text("a <image> of a dog"));
  auto good = embedder_.submit(Input::from_text("a dog"));
  auto unknown = embedder_.submit(Input::from_text("a dog"), {}, {.prompt = "nonsense"});
  EXPECT_THAT([&] { bad.get(); }, ThrowsMessage<InvalidInput>(HasSubstr("<image> stands in a text")));
  EXPECT_THAT([&] { unknown.get(); }, ThrowsMessage<InvalidInput>(HasSubstr("nonsense")));
  EXPECT_EQ(good.get().vector.size(), 128u);
  EXPECT_THAT([&] { embedder_.submit(Input::from_text("a"), {}, {.dimensions = 129}); },
              ThrowsMessage<InvalidInput>("[options] dimensions is 129, expected a number from 0 (all) to 128"));
  embedder_.shutdown();
  EXPECT_THROW(embedder_.submit(Input::from_text("a dog")), Cancelled);
}

TEST_F(Submitting, DimensionsKeepTheFirstNumbersAndScaleThem) {
  const std::vector<Input> inputs = texts(3);
  const Embeddings whole = embedder_.embed(inputs, {.normalize = false});
  const Embeddings raw = embedder_.embed(inputs, {.normalize = false, .dimensions = 16});
  const Embeddings scaled = embedder_.embed(inputs, {.dimensions = 16});
  ASSERT_EQ(raw.width, 16);
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::ranges::equal(raw.row(i), whole.row(i).first(16)));
    EXPECT_NEAR(cosine(scaled.row(i), raw.row(i)), 1, 1e-6);
    double squares = 0;
    for (const float value : scaled.row(i)) squares += double{value} * value;
    EXPECT_NEAR(squares, 1, 1e-6);
  }
  EXPECT_THAT(scaled.fingerprint(0).compute, HasSubstr("f32+16+l2/"));
  EXPECT_NE(embedder_.fingerprint({.dimensions = 16}).space(), embedder_.fingerprint().space());
}

}  // namespace
}  // namespace e5v::test
