#include "report/bars.h"

#include <gmock/gmock.h>

#include <limits>

namespace e5v::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Bars, StandBesideTheirReference) {
  const std::string html = html_of(BarChart{.title = "R & R",
                                            .unit = "x 100",
                                            .reference_name = "the paper",
                                            .bars = {{"R@1", 50, 75}, {"R@<5>", 100}},
                                            .width = 1060});
  EXPECT_THAT(html, HasSubstr("R &amp; R"));
  EXPECT_THAT(html, HasSubstr("R@&lt;5&gt;"));
  EXPECT_THAT(html, HasSubstr("x=\"200.0\" y=\"6.0\" width=\"400.0\""));
  EXPECT_THAT(html, HasSubstr("width=\"800.0\""));
  EXPECT_THAT(html, HasSubstr("class=\"reference\" x1=\"800.0\" x2=\"800.0\""));
  EXPECT_THAT(html, HasSubstr("the paper"));
}

TEST(Bars, NeverLeaveTheFrame) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string html = html_of(BarChart{.title = "t", .bars = {{"a", -20}, {"b", 400}, {"c", nan}}, .width = 1060});
  EXPECT_THAT(html, HasSubstr("width=\"0.0\""));
  EXPECT_THAT(html, HasSubstr("width=\"800.0\""));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("legend")));
  EXPECT_THAT(html_of(BarChart{.title = "none"}), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace e5v::report
