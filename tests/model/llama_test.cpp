#include "model/llama.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "golden.h"
#include "model/difference.h"
#include "model/sequence.h"
#include "model/stories.h"
#include "ops/accelerator.h"
#include "tensor/safetensors.h"

namespace e5v::model::test {
namespace {

using e5v::test::golden;

TEST(Llama, EveryHiddenStateOfATextEqualsTheReference) {
  const auto folder = golden("ckpt/tiny-small-f32");
  const ModelConfig config = read_config(folder);
  const Checkpoint checkpoint(folder);
  const LlamaWeights weights = LlamaWeights::from(checkpoint, config.text);
  const tensor::SafetensorsFile trace(golden("embed/text0_full_trace_small_f32.safetensors"));
  const auto ids = trace.find("input_ids")->as<std::int32_t>();
  const auto length = static_cast<std::int64_t>(ids.size());
  const PackedRows rows = one_sequence(length, true);
  tensor::Arena arena;

  // Each model is one block longer; without the final norm its output is the hidden state after that block, which the
  // next one's residual stream starts from.
  const tensor::Tensor x(tensor::DType::f32, {length, config.text.width});
  for (std::size_t layer = 0; layer <= weights.blocks.size(); ++layer) {
    const auto expected = trace.find("hidden_states." + std::to_string(layer))->as<float>();
    if (layer == 0) {
      Llama(weights, config.text, nn::Precision::f32).embed(ids, matrix_of(x), arena);
    } else {
      std::vector<float> frequencies;
      for (std::int64_t i = 0; i < config.text.head_width; i += 2) {
        frequencies.push_back(1.0f /
                              std::pow(500000.0f, static_cast<float>(i) / static_cast<float>(config.text.head_width)));
      }
      const LlamaBlock block(weights.blocks[layer - 1], config.text, nn::Precision::f32);
      const ops::RotaryTable table(frequencies, length);
      block.forward(nn::Pass(arena).over(rows.all(&table)), matrix_of(x));
    }
    if (layer < weights.blocks.size()) {
      EXPECT_LT(max_difference(x.as<float>(), expected), 5e-5) << layer;
    }
  }
  const Llama llama(weights, config.text, nn::Precision::f32);
  const tensor::Tensor start(tensor::DType::f32, x.shape()), y(tensor::DType::f32, x.shape());
  llama.embed(ids, matrix_of(start), arena);
  llama.forward(matrix_of(start), rows, matrix_of(y), arena);
  EXPECT_LT(max_difference(y.as<float>(), trace.find("hidden_states.4")->as<float>()), 5e-5);
}

/// The block is one code for all rows and for pooled ones: what it gives for these is what it gives for all, selected.
TEST(LlamaBlock, PooledRowsAreThoseOfAllRows) {
  const auto folder = golden("ckpt/tiny-small-f32");
  const LlamaConfig config = read_config(folder).text;
  const Checkpoint checkpoint(folder);
  const LlamaBlock block(LlamaWeights::from(checkpoint, config).blocks[0], config, nn::Precision::f32);
  PackedRows rows = one_sequence(9);
  rows.pooled_P = {8, 3};
  rows.pooled_positions_P = {8, 3};
  rows.pooled_plan.nodes = rows.plan.nodes = {{0, 4}, {4, 5}};
  rows.plan.spans = {{{0, 4}, {0}, true}, {{4, 5}, {0, 1}, true}};
  rows.pooled_plan.spans = {{{0, 1}, {0, 1}, true}, {{1, 1}, {0}, true}};
  const ops::RotaryTable table(std::vector<float>(static_cast<std::size_t>(config.head_width / 2), 0.1f), 9);
  const tensor::Tensor x(tensor::DType::f32, {9, config.width}), y(tensor::DType::f32, {2, config.width});
  for (std::size_t i = 0; i < x.as<float>().size(); ++i) x.as<float>()[i] = std::sin(static_cast<float>(i));
  tensor::Arena arena;
  const nn::Pass all = nn::Pass(arena).over(rows.all(&table));
  block.forward(all, matrix_of(x), all.over(rows.pooled(&table)), matrix_of(y));
  block.forward(all, matrix_of(x));
  for (const std::int64_t p : {0, 1}) {
    const float* expected = matrix_of(x).row<float>(rows.pooled_P[static_cast<std::size_t>(p)]);
    const auto width = static_cast<std::size_t>(config.width);
    EXPECT_LT(max_difference({matrix_of(y).row<float>(p), width}, {expected, width}), 1e-5) << p;
  }
}

/// With a tape rows are rounded after the operations, without a tape by them.
TEST(Llama, TapesLeaveTheNumbersOfFp8) {
  try {
    ops::open_device("cuda");
  } catch (const DeviceError& error) {
    GTEST_SKIP() << error.what();
  }
  const auto folder = golden("ckpt/tiny-small-bf16-2shard");
  const LlamaConfig config = read_config(folder).text;
  Checkpoint checkpoint(folder);
  checkpoint.place_on(tensor::Place::device);
  const LlamaBlock block(LlamaWeights::from(checkpoint, config).blocks[0], config, nn::Precision::fp8);
  ASSERT_THAT(block.kernel(), testing::HasSubstr("fp8"));
  const PackedRows rows = one_sequence(37);
  const ops::RotaryTable table(std::vector<float>(static_cast<std::size_t>(config.head_width / 2), 0.1f), 37);
  const tensor::Tensor start(tensor::DType::f32, {37, config.width});
  for (std::size_t i = 0; i < start.as<float>().size(); ++i) start.as<float>()[i] = std::sin(static_cast<float>(i));
  tensor::Arena arena(tensor::Place::device), gradients(tensor::Place::device);
  const auto after = [&](const nn::Pass& pass) {
    const tensor::Tensor x = copied(start.view(), tensor::Place::device);
    if (pass.tape != nullptr) pass.tape->watch(matrix_of(x));
    block.forward(pass.over(rows.all(&table)), matrix_of(x));
    return copied(x.view(), tensor::Place::host);
  };
  nn::Tape tape(gradients);
  const tensor::Tensor plain = after(nn::Pass(arena)), taped = after(nn::Pass(arena, tape));
  EXPECT_TRUE(std::ranges::equal(plain.view().bytes(), taped.view().bytes()));
  EXPECT_GT(max_difference(plain.as<float>(), start.as<float>()), 0.01);
}

/// The likeliest token behind `ids`: the head is the embedding table.
std::int32_t next_token(const Llama& llama, const Stories& stories, const std::vector<std::int32_t>& ids,
                        tensor::Arena& arena) {
  const auto length = static_cast<std::int64_t>(ids.size());
  const tensor::Tensor x(tensor::DType::f32, {length, stories.config.width}),
      y(tensor::DType::f32, {1, stories.config.width});
  llama.embed(ids, matrix_of(x), arena);
  llama.forward(matrix_of(x), one_sequence(length), matrix_of(y), arena);
  const ops::Weight head(std::vector<tensor::StoredMatrix>{stories.weights.embedding}, ops::Arithmetic::f32);
  const tensor::Tensor logits(tensor::DType::f32, {1, stories.config.vocabulary});
  ops::matmul(matrix_of(y), head, {}, matrix_of(logits));
  const auto values = logits.as<float>();
  return static_cast<std::int32_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

TEST(Llama, TrainedWeightsTellAStory) {
  const Stories stories(golden("stories260K"));
  ASSERT_EQ(stories.pieces.size(), 512u);
  const Llama llama(stories.weights, stories.config, nn::Precision::f32);
  tensor::Arena arena;
  std::vector<std::int32_t> ids{1};  // begin of text
  // What llama2.c's own run at temperature 0 prints.
  const std::string expected =
      " Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw "
      "a "
      "big, red ball. She wanted to play with it, but it was too high.";
  std::string story;
  while (story.size() < expected.size() && ids.size() < 120) {
    ids.push_back(next_token(llama, stories, ids, arena));
    story += stories.pieces[static_cast<std::size_t>(ids.back())];
  }
  EXPECT_EQ(story, expected);
}

TEST(LlamaWeights, MissingAndContradictingTensorsAreNamed) {
  const auto folder = golden("ckpt/tiny-small-f32");
  LlamaConfig config = read_config(folder).text;
  const Checkpoint checkpoint(folder);
  config.layers = 5;
  EXPECT_THAT([&] { LlamaWeights::from(checkpoint, config); },
              testing::ThrowsMessage<ModelError>(testing::HasSubstr("layers.4.input_layernorm")));
  config.layers = 4;
  config.mlp_width = 353;
  EXPECT_THAT(
      [&] { LlamaWeights::from(checkpoint, config); },
      testing::ThrowsMessage<ModelError>(testing::AllOf(testing::HasSubstr("gate_proj"), testing::HasSubstr("353"))));
}

TEST(Llama, StretchedFrequenciesFollowTheirThreeRanges) {
  // With scaling whose factor is 1 nothing changes; with a factor the longest wavelength turns that much slower, which
  // shows as another vector at a late position only.
  const Stories stories(golden("stories260K"));
  LlamaConfig scaled = stories.config, neutral = stories.config;
  neutral.rope_scaling = Llama3RopeScaling{1, 1, 4, 8192};
  scaled.rope_scaling = Llama3RopeScaling{8, 1, 4, 16};
  tensor::Arena arena;
  const auto vector_of = [&](const LlamaConfig& config) {
    const Llama llama(stories.weights, config, nn::Precision::f32);
    const std::vector<std::int32_t> ids{1, 403, 407, 261, 378};
    const tensor::Tensor x(tensor::DType::f32, {5, config.width}), y(tensor::DType::f32, {1, config.width});
    llama.embed(ids, matrix_of(x), arena);
    llama.forward(matrix_of(x), one_sequence(5), matrix_of(y), arena);
    return std::vector<float>(y.as<float>().begin(), y.as<float>().end());
  };
  const auto plain = vector_of(stories.config);
  EXPECT_EQ(vector_of(neutral), plain);
  EXPECT_GT(max_difference(vector_of(scaled), plain), 1e-3);
}

TEST(Llama, PositionsMayBeListedInsteadOfCounted) {
  const auto folder = golden("ckpt/tiny-small-f32");
  const ModelConfig config = read_config(folder);
  const Checkpoint checkpoint(folder);
  const Llama llama(LlamaWeights::from(checkpoint, config.text), config.text, nn::Precision::f32);
  const std::vector<std::int32_t> ids{5, 9, 5, 30};
  tensor::Arena arena;
  const auto state = [&](const PackedRows& rows) {
    const tensor::Tensor x(tensor::DType::f32, {4, config.text.width}), y(tensor::DType::f32, {1, config.text.width});
    llama.embed(ids, matrix_of(x), arena);
    llama.forward(matrix_of(x), rows, matrix_of(y), arena);
    return std::vector(y.as<float>().begin(), y.as<float>().end());
  };
  const PackedRows counted = one_sequence(4);
  PackedRows listed = counted;
  listed.rotary_positions = {{3, 0, 0}, {2, 0, 0}, {1, 0, 0}, {0, 0, 0}};
  listed.positions_T = {3, 2, 1, 0};
  listed.pooled_positions_P = {0};
  EXPECT_EQ(state(listed), state(counted));
  listed.rotary_positions[0] = {9, 0, 0};  // the last row stands further away
  EXPECT_GT(max_difference(state(listed), state(counted)), 1e-4);
}

}  // namespace
}  // namespace e5v::model::test
