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
                                            .high = 200});
  EXPECT_THAT(html, HasSubstr("R &amp; R"));
  EXPECT_THAT(html, HasSubstr("R@&lt;5&gt;"));
  EXPECT_THAT(html, HasSubstr("<i style=\"width:25.00%\"></i><b style=\"left:37.50%\" title=\"75.00\"></b>"));
  EXPECT_THAT(html, HasSubstr("<i style=\"width:50.00%\"></i></span><span class=\"value\">100.00</span>"));
  EXPECT_THAT(html, HasSubstr("<u style=\"left:100.00%\">200</u>"));
  EXPECT_THAT(html, HasSubstr("the paper"));
}

TEST(Bars, NeverLeaveTheFrame) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string html = html_of(BarChart{.title = "t", .bars = {{"a", -20}, {"b", 400}, {"c", nan}}});
  EXPECT_THAT(html, HasSubstr("width:0.00%"));
  EXPECT_THAT(html, HasSubstr("width:100.00%"));
  EXPECT_THAT(html, HasSubstr("c</span><span class=\"rail\"></span><span class=\"value\">-</span>"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("legend")));
  EXPECT_THAT(html_of(BarChart{.title = "none"}), HasSubstr("</figure>"));
}

}  // namespace
}  // namespace e5v::report
