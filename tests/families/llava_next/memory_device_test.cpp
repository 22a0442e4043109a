#include <gtest/gtest.h>

#include "families/llava_next/memory.h"
#include "families/llava_next/small_config.h"
#include "families/memory_parts.h"

namespace e5v::families {
namespace {

RunPlan device_plan_of(nn::Precision precision, std::int64_t budget) {
  RunPlan plan;
  plan.precision = precision;
  plan.run.token_budget = budget;
  plan.stored.bytes = 12345;
  return plan;
}

DeviceEstimate estimate(nn::Precision precision, std::int64_t budget) {
  return estimate_device_memory(test::small_config(), {}, device_plan_of(precision, budget));
}

// The stream and h of width 8; queries, mixed, keys and values of 8 each, or the MLP's three of 16.
TEST(LlavaNextDeviceMemory, ActivationsAreThoseOfTheBudgetsRows) {
  EXPECT_EQ(estimate(nn::Precision::f32, 100).activations, 100u * (8 * 4 + 8 * 4 + 3 * 16 * 4));
  EXPECT_EQ(estimate(nn::Precision::bf16, 100).activations, 100u * (8 * 4 + 8 * 2 + 3 * 16 * 2));
  EXPECT_EQ(estimate(nn::Precision::fp8, 100).activations, 100u * (8 * 4 + 8 * 2 + 3 * 16 * 2 + 8 + 16));
  EXPECT_EQ(estimate(nn::Precision::f32, 0).activations, 16384u * (8 * 4 + 8 * 4 + 3 * 16 * 4)) << "by default";
}

TEST(LlavaNextDeviceMemory, WeightsAreThereAsStoredAndAsMultiplied) {
  const auto matrices = static_cast<std::uint64_t>(count_parameters(test::small_config()).language_matrices);
  EXPECT_EQ(estimate(nn::Precision::f32, 100).weights, 12345u);
  EXPECT_EQ(estimate(nn::Precision::f32, 100).copied, 0u);
  EXPECT_EQ(estimate(nn::Precision::bf16, 100).copied, 2 * matrices);
  RunPlan quantised = device_plan_of(nn::Precision::bf16, 100);
  quantised.stored.decoded = 1000;
  quantised.stored.unpacked = 7;
  EXPECT_EQ(estimate_device_memory(test::small_config(), {}, quantised).copied, 2u * 1000 + 7);
}

// A tile of four patches and the class token. One image has five rows, with room for a prompt of a quarter of the
// budget; they take two tiles.
TEST(LlavaNextDeviceMemory, AnImageMayHaveMoreRowsThanTheBudget) {
  model::ModelConfig config = test::small_config();
  config.vision = model::ClipConfig{.width = 6, .layers = 3, .mlp_width = 10, .image_size = 28, .patch_size = 14};
  image::Preprocess preprocess;
  preprocess.max_tiles = 1;
  ASSERT_EQ(largest_image_tokens(config, preprocess), 5);
  constexpr std::uint64_t kRows = 5 + 1, kTowerRows = 2 * 5;
  const std::uint64_t tower = kTowerRows * (6 * 4 + 6 * 4 + 4 * 6 * 4), around = kRows * (8 + 6 + 2 * 8) * 4;
  EXPECT_EQ(estimate_device_memory(config, preprocess, device_plan_of(nn::Precision::f32, 4)).activations,
            tower + around);
}

TEST(LlavaNextDeviceMemory, TheLibrariesTakeTheirOwn) {
  const DeviceEstimate found = estimate(nn::Precision::bf16, 100);
  EXPECT_EQ(found.workspace, kDeviceWorkspace);
  EXPECT_EQ(found.total(), found.weights + found.copied + found.activations + found.workspace);
}

}  // namespace
}  // namespace e5v::families
