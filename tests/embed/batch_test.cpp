#include "embed/batch.h"

#include <gmock/gmock.h>

#include "embed/inputs.h"

namespace e5v::embed {
namespace {

using test::about_image;
using test::about_images;
using test::image_of;
using test::text;

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

TEST(Batch, EveryImageThatIsThereCountsOnce) {
  Batch batch(100);
  batch.add(about_images({image_of(1, 30), image_of(2, 40)}, 5));
  EXPECT_TRUE(batch.fits(about_images({image_of(2, 40), image_of(1, 30)},
                                      23)));                                     // 2 + 23 rows are new
  EXPECT_TRUE(batch.fits(about_images({image_of(1, 30), image_of(3, 19)}, 5)));  // and 1 + 19 + 5
  EXPECT_FALSE(batch.fits(about_images({image_of(4, 30), image_of(3, 10)}, 5)));
}

}  // namespace
}  // namespace e5v::embed
