#include "report/chart.h"

#include <gmock/gmock.h>

namespace e5v::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> texts_between(double low, double high, int most, bool whole = false) {
  return tick_texts(round_ticks(low, high, most, whole));
}

TEST(Ticks, AreRound) {
  EXPECT_THAT(texts_between(0, 1, 6), ElementsAre("0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_THAT(texts_between(0.31, 2.4, 5), ElementsAre("0.5", "1.0", "1.5", "2.0"));
  EXPECT_THAT(texts_between(-3, 3, 4), ElementsAre("-2", "0", "2"));
  EXPECT_THAT(texts_between(0, 1234, 6), ElementsAre("0", "500", "1000"));
  EXPECT_THAT(texts_between(0, 4e-4, 5), ElementsAre("0", "1e-4", "2e-4", "3e-4", "4e-4"));
  EXPECT_THAT(texts_between(0, 1e-4, 3), ElementsAre("0", "0.5e-4", "1.0e-4"));
  EXPECT_THAT(texts_between(0, 30000, 4), ElementsAre("0", "10k", "20k", "30k"));
  EXPECT_THAT(texts_between(0, 3e7, 4), ElementsAre("0", "10M", "20M", "30M"));
}

TEST(Ticks, CanBeWhole) {
  EXPECT_THAT(texts_between(0, 2, 10, true), ElementsAre("0", "1", "2"));
  EXPECT_THAT(texts_between(0, 0.5, 10, true), ElementsAre("0"));
}

TEST(Ticks, KeepToTheirNumberAndRange) {
  for (double low : {-1e-7, 0.0, 0.37, 12.0, 999999.0}) {
    for (double width : {1e-6, 0.02, 0.99, 7.0, 1e5, 3e12}) {
      for (int most = 2; most < 12; ++most) {
        const auto ticks = round_ticks(low, low + width, most);
        EXPECT_LE(ticks.size(), static_cast<std::size_t>(most));
        for (const double tick : ticks) {
          EXPECT_GE(tick, low - width * 1e-3);
          EXPECT_LE(tick, low + width * (1 + 1e-3));
        }
      }
    }
  }
  EXPECT_THAT(round_ticks(3, 3, 5), ElementsAre(3));
}

TEST(Chart, DrawsItsCurves) {
  const Chart chart{.title = "Loss & more",
                    .unit = "nats",
                    .x_label = "step",
                    .curves = {{"training", {{0, 1}, {10, 3}}, {{5, 2}}, true}, {"held out", {}, {{10, 2.5}}, false}},
                    .marks = {{5, "epoch 2"}}};
  const std::string html = html_of(chart);
  EXPECT_THAT(html, HasSubstr("<h2>Loss &amp; more <small>nats</small></h2>"));
  EXPECT_THAT(html, HasSubstr("training <b>3</b>"));
  EXPECT_THAT(html, HasSubstr("held out <b>2.5</b>"));
  EXPECT_THAT(html, HasSubstr("<path class=\"line\" d=\"M52.0 278.0L1066.0 14.0\"/>"));
  EXPECT_THAT(html, HasSubstr("class=\"faint\" cx=\"559.0\" cy=\"146.0\""));
  EXPECT_THAT(html, HasSubstr("<title>10: 2.5</title>"));
  EXPECT_THAT(html, HasSubstr(">epoch 2</text>"));
}

TEST(Chart, StandsWithLittleToShow) {
  for (const std::vector<Point>& points : {std::vector<Point>{}, {{0, 0}}, {{3, 2.5}, {4, 2.5}}, {{1, -1e-300}}}) {
    const std::string html =
        html_of({.title = "Loss", .unit = "", .x_label = "step", .curves = {{"a", points, points}}});
    EXPECT_THAT(html, HasSubstr("</svg>"));
    EXPECT_THAT(html, Not(testing::AnyOf(HasSubstr("nan"), HasSubstr("inf"))));
  }
}

}  // namespace
}  // namespace e5v::report
