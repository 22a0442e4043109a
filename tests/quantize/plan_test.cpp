#include "quantize/plan.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "quantize/small_llama.h"

namespace e5v::quantize::test {
namespace {

using tensor::DType;
using tensor::Shape;
using tensor::WeightFormat;
using testing::ElementsAre;

/// What a plan says of the tensors of a block, without "model.layers.N.": "mlp.up_proj.weight_scale bf16 [48, 2]".
std::vector<std::string> lines_of(const Plan& plan, int block) {
  const std::string prefix = fmt::format("model.layers.{}.", block);
  std::vector<std::string> lines;
  for (const tensor::TensorSpec& spec : plan.specs()) {
    if (!spec.name.starts_with(prefix)) continue;
    lines.push_back(fmt::format("{} {} {}", spec.name.substr(prefix.size()), name_of(spec.dtype), spec.shape.text()));
  }
  return lines;
}

TEST(Plan, UnchangedTensorsComeFirstAndWideTypesBeforeNarrowOnes) {
  SmallLlama llama(DType::bf16);
  llama.add("model.norm.weight", {32}, DType::f32);
  llama.add("lm_head.weight", {6, 32}, DType::bf16);
  const model::Checkpoint checkpoint = llama.checkpoint();
  const Plan plan(checkpoint, llama.config, {{WeightFormat::int8, 0}});
  std::vector<std::string> unchanged, first;
  for (const model::Checkpoint::Stored& tensor : plan.unchanged()) unchanged.push_back(tensor.stored);
  EXPECT_THAT(unchanged, ElementsAre("model.norm.weight", "model.embed_tokens.weight", "lm_head.weight"));
  for (const tensor::TensorSpec& spec : plan.specs()) first.push_back(spec.name);
  EXPECT_EQ(first.size(), 3u + 2 * (2 + 7 * 2));
  first.resize(4);
  EXPECT_THAT(first, ElementsAre("model.norm.weight", "model.embed_tokens.weight", "lm_head.weight",
                                 "model.layers.0.input_layernorm.weight"));
  EXPECT_EQ(plan.specs()[0].dtype, DType::f32);
}

TEST(Plan, Int8HasAScaleARow) {
  const SmallLlama llama(DType::bf16);
  const model::Checkpoint checkpoint = llama.checkpoint();
  const std::vector<std::string> lines = lines_of(Plan(checkpoint, llama.config, {{WeightFormat::int8, 0}}), 1);
  ASSERT_EQ(lines.size(), 2u + 7 * 2);
  EXPECT_EQ(lines[0], "input_layernorm.weight bf16 [32]");
  EXPECT_EQ(lines[1], "post_attention_layernorm.weight bf16 [32]");
  EXPECT_EQ(lines[4], "self_attn.k_proj.weight_scale bf16 [16, 1]");
  EXPECT_EQ(lines[5], "self_attn.k_proj.weight i8 [16, 32]");
  EXPECT_EQ(lines[15], "mlp.down_proj.weight i8 [32, 48]");
}

TEST(Plan, Int4HasWordsOfEightAndScalesOfGroups) {
  const SmallLlama llama(DType::f32);
  const model::Checkpoint checkpoint = llama.checkpoint();
  const std::vector<std::string> lines = lines_of(Plan(checkpoint, llama.config, {{WeightFormat::int4, 16}}), 0);
  ASSERT_EQ(lines.size(), 2u + 7 * 3);
  EXPECT_EQ(lines[20], "mlp.down_proj.weight_shape i64 [2]");
  EXPECT_EQ(lines[21], "mlp.down_proj.weight_packed i32 [32, 6]");
  EXPECT_EQ(lines[22], "mlp.down_proj.weight_scale f32 [32, 3]");
}

TEST(Plan, Nf4HasTheTensorsOfBitsandbytes) {
  const SmallLlama llama(DType::bf16);
  const model::Checkpoint checkpoint = llama.checkpoint();
  const std::vector<std::string> lines = lines_of(Plan(checkpoint, llama.config, {{WeightFormat::nf4, 0}}), 0);
  ASSERT_EQ(lines.size(), 2u + 7 * 6);
  // 32 x 48 numbers are 24 blocks of 64, whose scales are one block of at most 256.
  EXPECT_THAT(std::vector(lines.end() - 6, lines.end()),
              ElementsAre("mlp.down_proj.weight.quant_map f32 [16]", "mlp.down_proj.weight.nested_quant_map f32 [256]",
                          "mlp.down_proj.weight.nested_absmax f32 [1]",
                          "mlp.down_proj.weight.quant_state.bitsandbytes__nf4 u8 [256]",
                          "mlp.down_proj.weight.absmax u8 [24]", "mlp.down_proj.weight u8 [768, 1]"));
}

TEST(Plan, WideMatricesHave8Bits) {
  const SmallLlama llama(DType::bf16);
  const model::Checkpoint checkpoint = llama.checkpoint();
  const Plan plan(checkpoint, llama.config, {{WeightFormat::int4, 16}, Wide::attention_and_first});
  const auto has = [&](int block, const std::string& name) {
    return std::ranges::any_of(lines_of(plan, block),
                               [&](const std::string& line) { return line.starts_with(name + " "); });
  };
  for (const int block : {0, 1}) {
    for (const std::string_view matrix : kMatrices) {
      const bool wide = block == 0 || matrix.starts_with("self_attn");
      EXPECT_EQ(has(block, fmt::format("{}.weight", matrix)), wide) << block << matrix;
      EXPECT_EQ(has(block, fmt::format("{}.weight_packed", matrix)), !wide) << block << matrix;
    }
  }
}

TEST(Plan, KnowsTheTensorsOfTheCheckpoint) {
  const SmallLlama llama(DType::bf16);
  const model::Checkpoint checkpoint = llama.checkpoint();
  const Plan plan(checkpoint, llama.config, {{WeightFormat::int8, 0}});
  const model::Checkpoint::Stored& stored = plan.tensor(1, "mlp.up_proj");
  EXPECT_EQ(stored.stored, "model.layers.1.mlp.up_proj.weight");
  EXPECT_EQ(stored.view.data, llama.tensors.at(stored.stored).data);
}

}  // namespace
}  // namespace e5v::quantize::test
