#include "quantize/prepare_item.h"

#include <gmock/gmock.h>

#include "families/llava_next/prepare.h"
#include "golden.h"

namespace e5v::quantize {
namespace {

using e5v::test::golden;

class PrepareItem : public testing::Test {
 protected:
  embed::Preparer preparer_ = families::make_llava_next_preparer(golden("ckpt/tiny-small-f32"),
                                                                 model::read_config(golden("ckpt/tiny-small-f32")), {});
};

TEST_F(PrepareItem, GivesWhatTheModelTakes) {
  Input input = Input::from_text("a cat");
  input.prompt = "<sent> in red";
  const embed::PreparedInput found = prepare_item(preparer_, {{std::nullopt, input}, "items.jsonl:7"});
  const std::vector<std::int32_t> expected = preparer_.tokenizer().encode("a cat in red", true);
  ASSERT_EQ(found.symbols.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(found.symbols[i].value, expected[i]);
}

TEST_F(PrepareItem, AnErrorIsLedByTheItemsPlace) {
  const auto none = golden("images/none.png");
  EXPECT_THAT(
      [&] {
        prepare_item(preparer_, {{std::nullopt, Input::from_image(none)}, "items.jsonl:7"});
      },
      testing::ThrowsMessage<InvalidInput>("[items.jsonl:7] [" + none.string() + "] no such file"));
}

}  // namespace
}  // namespace e5v::quantize
