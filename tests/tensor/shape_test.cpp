#include "tensor/shape.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::tensor {
namespace {

using testing::ThrowsMessage;

TEST(Shape, Basics) {
  const Shape shape{3, 4, 5};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape[1], 4);
  EXPECT_EQ(shape.elements(), 60);
  EXPECT_EQ(shape.text(), "[3, 4, 5]");
  EXPECT_EQ(shape, (Shape{3, 4, 5}));
  EXPECT_NE(shape, (Shape{3, 4}));
  EXPECT_NE((Shape{3}), (Shape{3, 0}));
  EXPECT_EQ(Shape().elements(), 1);
  EXPECT_EQ(Shape().text(), "[]");
  EXPECT_EQ((Shape{2, 0}).elements(), 0);
}

TEST(Shape, Limits) {
  EXPECT_EQ((Shape{1, 1, 1, 1, 1, 1}).rank(), Shape::kMaxRank);
  EXPECT_THAT(
      [] {
        Shape({1, 1, 1, 1, 1, 1, 1});
      },
      ThrowsMessage<InvalidInput>("[shape] 7 axes, at most 6 are supported"));
  EXPECT_THAT([] { Shape({2, -3}); }, ThrowsMessage<InvalidInput>("[shape] axis 1 has the negative extent -3"));
}

}  // namespace
}  // namespace e5v::tensor
