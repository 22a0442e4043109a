#include "train/pack.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::train {
namespace {

using testing::ElementsAre;

std::shared_ptr<const model::PreparedImage> image_of(std::size_t rows) {
  auto image = std::make_shared<model::PreparedImage>();
  image->layout = model::ImageLayout(std::vector<std::int32_t>(rows));
  return image;
}

TEST(Pack, ImagesStandInTheirRowsInOrder) {
  TokenSequence first = TokenSequence::from({7, -1, -1, 8, -1, -1}, 0), second = TokenSequence::from({-1, -1, 9}, 1);
  first.images = {image_of(2), image_of(2)};
  second.images = {image_of(2)};
  const PackedSequences packed = pack_sequences(std::vector{first, second});
  ASSERT_EQ(packed.images.size(), 3);
  EXPECT_THAT((std::vector{packed.images[0].first_row, packed.images[1].first_row, packed.images[2].first_row}),
              ElementsAre(1, 4, 6));
  EXPECT_EQ(packed.images[1].image, first.images[1].get());
}

TEST(Pack, ImagesThatTouchKeepTheirOwnRows) {
  TokenSequence sequence = TokenSequence::from({-1, -1, -1, 5}, 0);
  sequence.images = {image_of(1), image_of(2)};
  const PackedSequences packed = pack_sequences(std::vector{sequence});
  EXPECT_EQ(packed.images[0].first_row, 0);
  EXPECT_EQ(packed.images[1].first_row, 1);
}

TEST(Pack, RowsOfImagesAreCounted) {
  TokenSequence sequence = TokenSequence::from({-1, 5}, 0);
  sequence.images = {image_of(2)};
  EXPECT_THAT([&] { pack_sequences(std::vector{sequence}); },
              testing::ThrowsMessage<InvalidInput>("[pack] 1 rows for images of 2"));
}

}  // namespace
}  // namespace e5v::train
