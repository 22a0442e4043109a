#include "quantize/check.h"

#include <gmock/gmock.h>

#include "golden.h"

namespace e5v::quantize::test {
namespace {

TEST(Agreement, MeanMinimumAndWorst) {
  const Agreement agreement{{{"a", 0.9}, {"b", 1.0}, {"c", 0.8}}};
  EXPECT_NEAR(agreement.mean(), 0.9, 1e-12);
  EXPECT_EQ(agreement.minimum(), 0.8);
  const auto worst = agreement.worst(2);
  ASSERT_EQ(worst.size(), 2u);
  EXPECT_EQ(worst[0].name, "c");
  EXPECT_EQ(worst[1].name, "a");
  EXPECT_EQ(agreement.worst(9).size(), 3u);
}

TEST(CompareModels, AModelAgreesWithItself) {
  const auto folder = e5v::test::golden("ckpt/tiny-small-f32");
  const std::vector<embed::Item> items{{Json("first"), Input::from_text("a cat")},
                                       {std::nullopt, Input::from_text("two dogs")}};
  std::int64_t steps = 0;
  const Agreement agreement = compare_models(folder, folder, {}, items, [&](std::int64_t n) { steps += n; });
  EXPECT_EQ(steps, 4);
  ASSERT_EQ(agreement.items.size(), 2u);
  EXPECT_EQ(agreement.items[0].name, "first");
  EXPECT_EQ(agreement.items[1].name, "1");
  EXPECT_NEAR(agreement.minimum(), 1.0, 1e-6);
}

TEST(CompareModels, NeedsItemsAndVectorsOfOneWidth) {
  const auto folder = e5v::test::golden("ckpt/tiny-small-f32");
  EXPECT_THROW(compare_models(folder, folder, {}, {}, nullptr), InvalidInput);
  const std::vector<embed::Item> items{{std::nullopt, Input::from_text("a cat")}};
  EXPECT_THROW(compare_models(folder, e5v::test::golden("ckpt/tiny-mistral"), {}, items, nullptr), ModelError);
}

}  // namespace
}  // namespace e5v::quantize::test
