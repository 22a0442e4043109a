#include "embed/prepared_input.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "embed/inputs.h"

namespace e5v::embed {
namespace {

using test::image_of;

TEST(PreparedInput, SlotsGiveWayToTheRowsOfTheImagesInOrder) {
  const Sequence symbols = with_image_rows({5, kImageSlot, 6, kImageSlot}, {image_of(9, 2), image_of(8, 1)});
  EXPECT_EQ(symbols, (Sequence{{-1, 5}, {0, 0}, {0, 1}, {-1, 6}, {1, 0}}));
  EXPECT_EQ(test::about_images({image_of(9, 2), image_of(8, 1)}, 3).tokens(), 6);
}

TEST(PreparedInput, EverySlotHasAnImage) {
  EXPECT_THAT(
      [] {
        with_image_rows({kImageSlot, kImageSlot}, {image_of(1, 1)});
      },
      testing::ThrowsMessage<InvalidInput>("[input] 2 slots for 1 images"));
}

}  // namespace
}  // namespace e5v::embed
