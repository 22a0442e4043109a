#include "embed/pack.h"

#include <gmock/gmock.h>

#include "embed/inputs.h"

namespace e5v::embed {
namespace {

using test::about_image;
using test::about_images;
using test::image_of;
using test::text;
using testing::ElementsAre;

TEST(Pack, InputsAreAForestAndItsImages) {
  const std::vector<PreparedInput> inputs{about_image(1, 30, 5), text(4), about_image(1, 30, 7)};
  const PackedBatch batch = pack(inputs);
  EXPECT_EQ(batch.forest.symbols_T.size(),
            30 + 7 + 4);  // both prompts are ones behind the same image
  EXPECT_EQ(batch.forest.rows.pooled_P.size(), 3);
  EXPECT_THAT(batch.images, ElementsAre(inputs[0].images[0].prepared.get()));
  EXPECT_TRUE(batch.forest.rows.rotary_positions.empty());
}

TEST(Pack, ImagesAreNumberedByTheirContent) {
  const InputImage a = image_of(1, 2), b = image_of(2, 3);
  const std::vector<PreparedInput> inputs{about_images({a, b}, 1), about_images({b, a}, 1), about_images({a, a}, 1)};
  const PackedBatch batch = pack(inputs);
  EXPECT_THAT(batch.images, ElementsAre(a.prepared.get(), b.prepared.get()));
  // a b 1 | a 1's second a shares the first one's rows; b a 1 stands alone.
  EXPECT_EQ(batch.forest.symbols_T.size(), 2 + (3 + 1) + (2 + 1) + (3 + 2 + 1));
  const auto& symbols = batch.forest.symbols_T;
  EXPECT_EQ(std::count_if(symbols.begin(), symbols.end(), [](const Symbol& s) { return s.image == 1; }), 6);
}

/// Three tokens at positions of the input's own.
PreparedInput at(std::vector<ops::RotaryPosition> positions) {
  PreparedInput input = text(positions.size());
  for (std::size_t i = 0; i < positions.size(); ++i) input.symbols[i].position = static_cast<std::int32_t>(i);
  input.positions = std::move(positions);
  return input;
}

TEST(Pack, EqualSymbolsAtUnequalPositionsAreDifferentRows) {
  const std::vector<PreparedInput> inputs{at({{0, 0, 0}, {1, 1, 1}}), at({{0, 0, 0}, {1, 1, 2}}), text(2)};
  const PackedBatch batch = pack(inputs);
  const auto& rows = batch.forest.rows;
  // The text is by depth, which is what the first input lists.
  EXPECT_THAT(rows.rotary_positions,
              ElementsAre(ops::RotaryPosition{0, 0, 0}, ops::RotaryPosition{1, 1, 1}, ops::RotaryPosition{1, 1, 2}));
  EXPECT_THAT(rows.positions_T, ElementsAre(0, 1, 2));
  EXPECT_THAT(rows.pooled_positions_P, ElementsAre(1, 2));
  EXPECT_THAT(batch.forest.pooled_index_S, ElementsAre(0, 1, 0));
}

}  // namespace
}  // namespace e5v::embed
