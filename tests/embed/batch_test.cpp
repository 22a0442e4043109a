#include "embed/batch.h"

#include <gmock/gmock.h>

namespace e5v::embed {
namespace {

PreparedInput text(std::size_t tokens) {
  PreparedInput input;
  input.ids.assign(tokens, 1);
  return input;
}

/// A prompt of `tokens` tokens around an image of `image_tokens`.
PreparedInput about_image(std::uint64_t key, std::size_t image_tokens, std::size_t tokens) {
  PreparedInput input = text(tokens + 1);
  input.ids[0] = kImageSlot;
  auto image = std::make_shared<model::PreparedImage>();
  image->order.resize(image_tokens);
  input.image = image;
  input.image_key = {key, 0};
  return input;
}

TEST(Batch, TextsFillTheBudget) {
  Batch batch(100);
  EXPECT_TRUE(batch.fits(text(1000)));
  batch.add(text(60));
  EXPECT_TRUE(batch.fits(text(40)));
  EXPECT_FALSE(batch.fits(text(41)));
}

TEST(Batch, PromptsOnOneImageStayTogether) {
  Batch batch(100);
  batch.add(about_image(1, 150, 9));
  EXPECT_FALSE(batch.fits(text(1)));
  EXPECT_FALSE(batch.fits(about_image(2, 150, 9)));
  for (int prompt = 0; prompt < 2; ++prompt) {
    ASSERT_TRUE(batch.fits(about_image(1, 150, 9)));
    batch.add(about_image(1, 150, 9));
  }
  EXPECT_FALSE(batch.fits(about_image(1, 150, 9)));  // 25 rows of room are used up
  batch.clear();
  EXPECT_TRUE(batch.fits(about_image(1, 150, 9)));
}

TEST(Batch, AForestOfItsInputs) {
  const std::vector<PreparedInput> inputs{about_image(1, 30, 5), text(4), about_image(1, 30, 7)};
  const Forest forest = pack(inputs);
  EXPECT_EQ(forest.symbols_T.size(), 30 + 7 + 4);  // both prompts are ones behind the same image
  EXPECT_EQ(forest.rows.pooled_P.size(), 3);
}

}  // namespace
}  // namespace e5v::embed
