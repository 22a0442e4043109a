#include "train/schedule.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"

namespace e5v::train {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Schedule, LinearIsWhatTransformersRecorded) {
  // 20 steps of the reference's training, 5 of them warmup, peak 4e-4.
  constexpr double kRecorded[20] = {0.0,
                                    8e-05,
                                    0.00016,
                                    0.00024,
                                    0.00032,
                                    0.0004,
                                    0.0003733333333333334,
                                    0.00034666666666666667,
                                    0.00032,
                                    0.0002933333333333333,
                                    0.0002666666666666667,
                                    0.00024,
                                    0.00021333333333333333,
                                    0.0001866666666666667,
                                    0.00016,
                                    0.00013333333333333334,
                                    0.00010666666666666667,
                                    8e-05,
                                    5.333333333333333e-05,
                                    2.6666666666666667e-05};
  const Schedule schedule{ScheduleShape::linear, 4e-4, 5, 20};
  for (std::int64_t step = 0; step < 20; ++step) EXPECT_DOUBLE_EQ(schedule.at(step), kRecorded[step]) << step;
}

TEST(Schedule, ShapesAreTheirFormulas) {
  for (const std::int64_t warmup : {0, 1, 7, 40}) {
    for (std::int64_t step = warmup; step < 40; ++step) {
      const double done = static_cast<double>(step - warmup) / static_cast<double>(40 - warmup);
      EXPECT_DOUBLE_EQ((Schedule{ScheduleShape::constant, 2, warmup, 40}.at(step)), 2);
      EXPECT_NEAR((Schedule{ScheduleShape::linear, 2, warmup, 40}.at(step)), 2 * (1 - done), 1e-15);
      EXPECT_NEAR((Schedule{ScheduleShape::cosine, 2, warmup, 40}.at(step)), 1 + std::cos(std::acos(-1.0) * done),
                  1e-15);
    }
  }
}

TEST(Schedule, WarmupRisesFromZero) {
  for (const ScheduleShape shape : {ScheduleShape::constant, ScheduleShape::linear, ScheduleShape::cosine}) {
    const Schedule schedule{shape, 1, 4, 10};
    for (std::int64_t step = 0; step <= 4; ++step) EXPECT_DOUBLE_EQ(schedule.at(step), static_cast<double>(step) / 4);
  }
}

TEST(Schedule, NothingIsLeftBehindTheEnd) {
  EXPECT_EQ((Schedule{ScheduleShape::linear, 1, 2, 10}.at(10)), 0);
  EXPECT_EQ((Schedule{ScheduleShape::cosine, 1, 2, 10}.at(15)), 0);
  EXPECT_EQ((Schedule{ScheduleShape::linear, 1, 10, 10}.at(10)), 0);
  EXPECT_EQ((Schedule{ScheduleShape::constant, 1, 2, 10}.at(15)), 1);
}

TEST(Schedule, NamesGoBothWays) {
  for (const ScheduleShape shape : {ScheduleShape::constant, ScheduleShape::linear, ScheduleShape::cosine}) {
    EXPECT_EQ(schedule_shape(name_of(shape)), shape);
  }
  EXPECT_THAT([] { schedule_shape("step"); },
              ThrowsMessage<InvalidInput>(HasSubstr(R"(expected constant, linear or cosine, found "step")")));
}

TEST(Schedule, RefusesNegativeSteps) {
  EXPECT_THAT([] { return Schedule{}.at(-1); }, ThrowsMessage<InvalidInput>(HasSubstr("found step -1")));
}

}  // namespace
}  // namespace e5v::train
