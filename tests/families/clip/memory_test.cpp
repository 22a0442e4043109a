#include "families/clip/memory.h"

#include <gtest/gtest.h>

#include "families/memory_parts.h"
#include "ops/matmul.h"

namespace e5v::families {
namespace {

/// Small enough to count by hand: a text tower of two layers, a vision tower of one, which sees four patches and the
/// class token.
model::ClipModelConfig small_clip_config() {
  model::ClipModelConfig config;
  config.text = {
      .vocabulary = 10, .width = 4, .layers = 2, .heads = 1, .mlp_width = 8, .max_positions = 5, .end_token = {}};
  config.vision = {.width = 6, .layers = 1, .heads = 1, .mlp_width = 12, .image_size = 28, .patch_size = 14};
  config.projection = 3;
  return config;
}

RunPlan plan_of(nn::Precision precision, std::int64_t budget) {
  RunPlan plan;
  plan.precision = precision;
  plan.run.token_budget = budget;
  plan.stored.bytes = 12345;
  return plan;
}

TEST(ClipMemory, ParametersAreCountedByPart) {
  const ParameterCount count = count_parameters(small_clip_config());
  EXPECT_EQ(count.embedding, 10 * 4);
  EXPECT_EQ(count.language_matrices, 2 * (4 * 4 * 4 + 2 * 4 * 8));
  // Biases of the blocks and their two norms; positions; the last norm.
  EXPECT_EQ(count.language, count.language_matrices + 2 * (4 * 4 + 4 + 8 + 4 * 4) + 5 * 4 + 2 * 4);
  const std::int64_t patches = 3 * 14 * 14 * 6, block = 4 * 6 * 6 + 2 * 6 * 12;
  EXPECT_EQ(count.projector, 3 * 4 + 3 * 6);
  EXPECT_EQ(count.vision_matrices, patches + block + count.projector);
  // The same, the class token, and the norms before and after the blocks.
  EXPECT_EQ(count.vision, patches + block + (4 * 6 + 6 + 12 + 4 * 6) + 5 * 6 + 6 + 2 * 2 * 6);
}

// openai/clip-vit-base-patch32 has 151,277,313, one of which is the logit scale.
TEST(ClipMemory, CountsAllOfARealModel) {
  model::ClipModelConfig config;
  config.text = {.vocabulary = 49408,
                 .width = 512,
                 .layers = 12,
                 .heads = 8,
                 .mlp_width = 2048,
                 .max_positions = 77,
                 .end_token = {}};
  config.vision = {.width = 768, .layers = 12, .heads = 12, .mlp_width = 3072, .image_size = 224, .patch_size = 32};
  config.projection = 512;
  EXPECT_EQ(count_parameters(config).total(), 151'277'312);
}

// A budget below the context of five tokens is raised to it; the images' tower is the larger one.
TEST(ClipMemory, IsTheSumOfWhatTheCodeTakes) {
  const MemoryEstimate found = estimate_memory(small_clip_config(), plan_of(nn::Precision::f32, 4), 1000);
  EXPECT_EQ(found.mapped, 4u * static_cast<std::uint64_t>(count_parameters(small_clip_config()).total()));
  EXPECT_EQ(found.copied, 0u);
  const std::uint64_t stream = 5 * 6 * 4, patches = 5 * (3 * 14 * 14 * 4 + 2 * 6 * 4);
  EXPECT_EQ(found.activations, stream + patches);
  EXPECT_EQ(found.scratch, static_cast<std::uint64_t>(ops::matmul_scratch_bytes(ops::Arithmetic::f32, 5, 12)));
  EXPECT_EQ(found.images, 6u * (3 * 28 * 28 + 5 * 4) + 3 * 28 * 28);
  EXPECT_EQ(found.base, kProcessBytes + 7 * 1000);
}

TEST(ClipMemory, OfALargeTableOnlyTheRowsInUseAreMapped) {
  model::ClipModelConfig config = small_clip_config();
  const std::uint64_t rest = estimate_memory(config, plan_of(nn::Precision::f32, 4), 0).mapped - 10 * 4 * 4;
  config.text.vocabulary = 1 << 24;
  EXPECT_EQ(estimate_memory(config, plan_of(nn::Precision::f32, 4), 0).mapped, rest + kEmbeddingBytes);
}

TEST(ClipMemory, GrowsWithTheTokenBudgetUpToTheRowsOfFullSpeed) {
  const auto activations = [](std::int64_t budget) {
    return estimate_memory(small_clip_config(), plan_of(nn::Precision::f32, budget), 0).activations;
  };
  EXPECT_EQ(activations(1000), 2 * activations(500));
  EXPECT_EQ(activations(4096), activations(2048)) << "of images no more go through the tower together";
  EXPECT_EQ(activations(1 << 20), (1u << 20) * 4 * 4 + (1u << 20) * (5 * 4 + 2 * 4) * 4) << "of texts all do";
}

TEST(ClipDeviceMemory, IsTheSumOfWhatTheCodeTakes) {
  const DeviceEstimate found = estimate_device_memory(small_clip_config(), plan_of(nn::Precision::f32, 4));
  EXPECT_EQ(found.weights, 12345u);
  EXPECT_EQ(found.copied, 0u);
  EXPECT_EQ(found.activations, 2048u * (6 * 4 + 6 * 4 + 4 * 6 * 4)) << "as many images as are computed together";
  EXPECT_EQ(found.workspace, kDeviceWorkspace);
  const DeviceEstimate rounded = estimate_device_memory(small_clip_config(), plan_of(nn::Precision::bf16, 100'000));
  const ParameterCount count = count_parameters(small_clip_config());
  EXPECT_EQ(rounded.copied, 2u * static_cast<std::uint64_t>(count.language_matrices + count.vision_matrices));
  EXPECT_EQ(rounded.activations, 100'000u * (4 * 4 + 4 * 2 + 4 * 4 * 2)) << "the texts of a budget";
}

}  // namespace
}  // namespace e5v::families
