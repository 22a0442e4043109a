#include "eval/encoder.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupted.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace e5v::eval {
namespace {

class EncoderTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  std::filesystem::path model_ = test::tiny_model();

  Encoder make(Encoder::Hooks hooks = {}, const test::ModelOptions& options = test::quick()) const {
    return {model_, test::encoder_options(options), folder_.path(), std::move(hooks)};
  }
  static std::vector<Item> sentences(int count) {
    std::vector<Item> items;
    for (int i = 0; i < count; ++i) items.push_back(ItemMaker::text(fmt::format("Sentence number {}.", i)));
    return items;
  }
};

TEST_F(EncoderTest, GivesTheEmbeddersVectorsUnnormalised) {
  Encoder encoder = make();
  ItemMaker maker;
  const std::filesystem::path image = test::golden("images/img04_tiny_3x2.png");
  const std::vector<Item> items{maker.composed(image, "in blue"), maker.composed(image, "in red")};
  const tensor::Tensor vectors = encoder.embed(items, "cirr-query", "");
  test::ModelOptions options = test::quick("cirr-query");
  options.normalize = false;
  test::Model embedder(model_, options);
  const Embeddings expected =
      embedder.embed(std::vector{Input::composed(image, "in blue"), Input::composed(image, "in red")});
  ASSERT_EQ(vectors.elements(), static_cast<std::int64_t>(expected.values.size()));
  for (std::size_t i = 0; i < expected.values.size(); ++i)
    EXPECT_NEAR(vectors.as<float>()[i], expected.values[i], 1e-5);
}

TEST_F(EncoderTest, ComputesWhatIsNewAlone) {
  {
    Encoder encoder = make();
    encoder.embed(sentences(5), "text", "");
    EXPECT_EQ(encoder.counts().computed, 5);
    EXPECT_EQ(encoder.counts().reused, 0);
  }
  Encoder encoder = make();
  const tensor::Tensor vectors = encoder.embed(sentences(8), "text", "");
  EXPECT_EQ(encoder.counts().computed, 3);
  EXPECT_EQ(encoder.counts().reused, 5);
  test::TemporaryFolder other;
  Encoder fresh(model_, test::encoder_options(), other.path(), {});
  const tensor::Tensor expected = fresh.embed(sentences(8), "text", "");
  for (std::int64_t i = 0; i < vectors.elements(); ++i)
    EXPECT_NEAR(vectors.as<float>()[static_cast<std::size_t>(i)], expected.as<float>()[static_cast<std::size_t>(i)],
                1e-5);
}

TEST_F(EncoderTest, EqualItemsAreComputedOnce) {
  Encoder encoder = make();
  std::vector<Item> items = sentences(2);
  items.push_back(items[0]);
  const tensor::Tensor vectors = encoder.embed(items, "text", "");
  EXPECT_EQ(encoder.counts().computed, 2);
  const auto width = static_cast<std::size_t>(encoder.width());
  EXPECT_TRUE(std::ranges::equal(vectors.as<float>().first(width), vectors.as<float>().subspan(2 * width, width)));
}

TEST_F(EncoderTest, AnotherPromptOrDtypeIsComputedAnew) {
  make().embed(sentences(3), "text", "");
  Encoder prompt = make();
  prompt.embed(sentences(3), "sts", "");
  EXPECT_EQ(prompt.counts().computed, 3);
  test::ModelOptions bf16 = test::quick();
  bf16.dtype = ComputeType::bf16;
  Encoder dtype = make({}, bf16);
  dtype.embed(sentences(3), "text", "");
  EXPECT_EQ(dtype.counts().computed, 3);
}

TEST_F(EncoderTest, TwoNamesOfOnePromptShareTheirVectors) {
  Encoder encoder = make();
  ItemMaker maker;
  const std::vector<Item> items{maker.image(test::golden("images/img04_tiny_3x2.png"))};
  encoder.embed(items, "fashioniq-gallery-shirt", "");
  encoder.embed(items, "fashioniq-gallery-toptee", "");
  EXPECT_EQ(encoder.counts().computed, 1);
  EXPECT_EQ(encoder.counts().reused, 1);
}

TEST_F(EncoderTest, AnInterruptedRunLeavesTheRestAlone) {
  int batches = 0;
  Encoder::Hooks hooks;
  hooks.check_stop = [&] {
    if (++batches == 2) throw Interrupted();
  };
  std::int64_t done = 0;
  {
    test::ModelOptions small = test::quick();
    small.token_budget = 64;
    Encoder encoder = make(hooks, small);
    EXPECT_THROW(encoder.embed(sentences(40), "text", ""), Interrupted);
    done = encoder.counts().computed;
  }
  EXPECT_GT(done, 0);
  EXPECT_LT(done, 40);
  Encoder encoder = make();
  encoder.embed(sentences(40), "text", "");
  EXPECT_EQ(encoder.counts().reused, done);
  EXPECT_EQ(encoder.counts().computed, 40 - done);
}

TEST_F(EncoderTest, ABadItemIsNamedAndTheGoodOnesOfItsBatchAreKept) {
  std::vector<Item> items = sentences(4);
  items[2] = ItemMaker::text("an <image> in a text");
  {
    Encoder encoder = make();
    try {
      encoder.embed(items, "text", "captions");
      FAIL() << "accepted";
    } catch (const InvalidInput& error) {
      EXPECT_STREQ(
          error.what(),
          "[captions, item 2] \"an <image> in a text\": [input] <image> stands in a text, but there is no image");
    }
    EXPECT_EQ(encoder.counts().computed, 3);
  }
  Encoder encoder = make();
  encoder.embed(sentences(4), "text", "captions");
  EXPECT_EQ(encoder.counts().reused, 3);
  EXPECT_EQ(encoder.counts().computed, 1);
}

TEST_F(EncoderTest, AVectorWithoutADirectionIsRefused) {
  const Fingerprint fingerprint = make().fingerprint("text");
  const std::int64_t width = make().width();
  for (const auto& [value, problem] : {std::pair(0.0f, "is all zeros"), std::pair(NAN, "holds NaN or infinity")}) {
    std::vector<Item> items = sentences(3);
    {
      vectors::VectorStore store(folder_.path(), fingerprint, width);
      store.add(items[1].key, std::vector<float>(static_cast<std::size_t>(width), value));
      store.commit();
    }
    try {
      Encoder encoder = make();
      encoder.embed(items, "text", "captions");
      FAIL() << "accepted";
    } catch (const InvalidInput& error) {
      EXPECT_EQ(error.what(), fmt::format("[captions, item 1] \"Sentence number 1.\": its vector {}, so that it has "
                                          "no direction; the model's weights may be damaged",
                                          problem));
    }
  }
}

TEST_F(EncoderTest, WhatWasChangedOnDiskIsComputedAnew) {
  const tensor::Tensor before = make().embed(sentences(6), "text", "");
  const std::filesystem::path file = folder_.path() / make().fingerprint("text").id() / "vectors.f32";
  std::string bytes = read_file(file);
  bytes[bytes.size() / 2] ^= 0x40;  // an exponent
  std::ofstream(file, std::ios::binary) << bytes;
  Encoder encoder = make();
  const tensor::Tensor after = encoder.embed(sentences(6), "text", "");
  EXPECT_EQ(encoder.counts().computed, 1);
  EXPECT_EQ(encoder.counts().reused, 5);
  for (std::int64_t i = 0; i < before.elements(); ++i)
    EXPECT_NEAR(after.as<float>()[static_cast<std::size_t>(i)], before.as<float>()[static_cast<std::size_t>(i)], 1e-5);
}

}  // namespace
}  // namespace e5v::eval
