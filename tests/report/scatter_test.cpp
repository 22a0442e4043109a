#include "report/scatter.h"

#include <gmock/gmock.h>

namespace e5v::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Scatter, HasOneScaleAndIsCentred) {
  const std::string html = html_of(Scatter{
      .title = "t", .clouds = {{"texts", {{0, 0}, {2, 1}}}, {"images", {{1, 0.5}}}}, .width = 424, .height = 424});
  EXPECT_THAT(html, HasSubstr("cx=\"12.0\" cy=\"312.0\""));   // 200 a unit: the width is full, the height is not
  EXPECT_THAT(html, HasSubstr("cx=\"412.0\" cy=\"112.0\""));  // up is up
  EXPECT_THAT(html, HasSubstr("cx=\"212.0\" cy=\"212.0\""));
  EXPECT_THAT(html, HasSubstr("texts <b>2</b>"));
}

TEST(Scatter, StandsWithLittleToShow) {
  for (const auto& points : {std::vector<Point>{}, {{3, 3}}, {{3, 3}, {3, 3}}}) {
    const std::string html = html_of(Scatter{.title = "t", .clouds = {{"a", points}}});
    EXPECT_THAT(html, HasSubstr("</svg>"));
    EXPECT_THAT(html, Not(testing::AnyOf(HasSubstr("nan"), HasSubstr("inf"))));
  }
}

}  // namespace
}  // namespace e5v::report
