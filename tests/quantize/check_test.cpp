#include "quantize/check.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "golden.h"

namespace e5v::quantize::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

using Items = std::vector<runs::ItemList::Entry>;

TEST(Agreement, MeanMinimumAndWorst) {
  const Agreement agreement{{{"a", 0.9}, {"b", 1.0}, {"c", 0.8}}};
  EXPECT_NEAR(agreement.mean(), 0.9, 1e-12);
  EXPECT_EQ(agreement.minimum(), 0.8);
  const auto lowest = agreement.lowest(2);
  ASSERT_EQ(lowest.size(), 2u);
  EXPECT_EQ(lowest[0].name, "c");
  EXPECT_EQ(lowest[1].name, "a");
  EXPECT_EQ(agreement.lowest(9).size(), 3u);
}

TEST(CompareModels, AModelAgreesWithItself) {
  const auto folder = e5v::test::golden("ckpt/tiny-small-f32");
  const Items items{{{Json("first"), Input::from_text("a cat")}, "items:1"},
                    {{std::nullopt, Input::from_text("two dogs")}, "items:2"}};
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
  const Items items{{{std::nullopt, Input::from_text("a cat")}, "items:1"}};
  EXPECT_THROW(compare_models(folder, e5v::test::golden("ckpt/tiny-mistral"), {}, items, nullptr), ModelError);
}

TEST(CompareModels, SaysWhereABadItemIs) {
  const auto folder = e5v::test::golden("ckpt/tiny-small-f32");
  const Items items{{{std::nullopt, Input::from_text("a cat")}, "items.jsonl:1"},
                    {{std::nullopt, Input::from_image(folder / "none.png")}, "items.jsonl:3"},
                    {{std::nullopt, Input::from_text("two dogs")}, "items.jsonl:4"}};
  const auto error =
      ThrowsMessage<InvalidInput>(AllOf(StartsWith("[items.jsonl:3] ["), HasSubstr("none.png] no such file")));
  EXPECT_THAT([&] { compare_models(folder, folder, {}, items, nullptr); }, error);
  EXPECT_THAT([&] { look_at_items(folder, items, nullptr); }, error);
}

TEST(LookAtItems, TakesWhatTheModelTakes) {
  const auto model = [](const char* name) { return e5v::test::golden(std::string("ckpt/") + name); };
  const auto image = Input::from_image(e5v::test::golden("images/img15_rgb_336x336.png"));
  const Items items{{{std::nullopt, Input::from_text("a cat")}, "items:1"}, {{std::nullopt, image}, "items:2"}};
  std::int64_t asked = 0;
  EXPECT_NO_THROW(look_at_items(model("tiny-small-f32"), items, [&] { ++asked; }));
  EXPECT_EQ(asked, 2);
  EXPECT_THAT([&] { look_at_items(model("tiny-small-f32"), items, [] { fail<DeviceError>("stop"); }); },
              ThrowsMessage<DeviceError>("stop"));
  EXPECT_THROW(look_at_items(model("none"), items, nullptr), ModelError);
}

}  // namespace
}  // namespace e5v::quantize::test
