#include "families/llava_next/memory.h"

#include <gmock/gmock.h>

#include "families/llava_next/small_config.h"

namespace e5v::families {
namespace {

using test::small_config;

TEST(LlavaNextMemory, ParametersAreCountedByPart) {
  const ParameterCount count = count_parameters(small_config());
  EXPECT_EQ(count.embedding, 100 * 8);
  EXPECT_EQ(count.language_matrices, 2 * (4 * 8 * 8 + 3 * 8 * 16));
  EXPECT_EQ(count.language, count.language_matrices + 5 * 8);
  EXPECT_EQ(count.vision, 0);
}

TEST(LlavaNextMemory, GrowsWithTheTokenBudget) {
  const auto activations = [](std::int64_t budget) {
    RunPlan plan;
    plan.run.token_budget = budget;
    return estimate_memory(small_config(), {}, plan, 1000).activations;
  };
  EXPECT_EQ(activations(4000), 2 * activations(2000));
}

TEST(LlavaNextMemory, TheLargestImageFillsItsGrid) {
  model::ModelConfig config = small_config();
  config.vision.emplace();
  config.vision->image_size = 336;
  config.vision->patch_size = 14;
  image::Preprocess preprocess;
  EXPECT_EQ(largest_image_tokens(config, preprocess), 576 + 48 * (48 + 1));  // 672 x 672
  preprocess.max_tiles = 1;
  EXPECT_EQ(largest_image_tokens(config, preprocess), 577);
}

}  // namespace
}  // namespace e5v::families
