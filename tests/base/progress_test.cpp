#include "base/progress.h"

#include <gmock/gmock.h>

#include <sstream>
#include <vector>

#include "base/log.h"

namespace e5v {
namespace {

TEST(Duration, AsPeopleReadIt) {
  EXPECT_EQ(duration_text(0), "0.0s");
  EXPECT_EQ(duration_text(4.24), "4.2s");
  EXPECT_EQ(duration_text(59.94), "59.9s");
  EXPECT_EQ(duration_text(59.96), "1m00s");
  EXPECT_EQ(duration_text(185), "3m05s");
  EXPECT_EQ(duration_text(3599.4), "59m59s");
  EXPECT_EQ(duration_text(3599.6), "1h00m");
  EXPECT_EQ(duration_text(2 * 3600 + 14 * 60 + 50), "2h14m");
}

TEST(Progress, LineWithTotal) {
  EXPECT_EQ(Progress::line("items", 0, 40, 0), "[                        ] 0/40 items  0.0/s  ? left");
  EXPECT_EQ(Progress::line("items", 10, 40, 5), "[======                  ] 10/40 items  2.0/s  15.0s left");
  EXPECT_EQ(Progress::line("items", 40, 40, 5), "[========================] 40/40 items  8.0/s  0.0s left");
}

TEST(Progress, LineWithoutTotal) { EXPECT_EQ(Progress::line("lines", 30, 0, 60), "30 lines  0.5/s  1m00s"); }

TEST(Progress, LineBeyondTotalStaysInItsBar) {
  EXPECT_THAT(Progress::line("items", 80, 40, 5), testing::StartsWith("[========================] 80/40"));
}

TEST(Progress, PlainLines) {
  EXPECT_EQ(Progress::plain_line("items", 10, 40, 5), "e5v: 10 of 40 items, 2.0/s, 15.0s left\n");
  EXPECT_EQ(Progress::plain_line("items", 0, 40, 0), "e5v: 0 of 40 items, 0.0/s, ? left\n");
  EXPECT_EQ(Progress::plain_line("lines", 30, 0, 60), "e5v: 30 lines in 1m00s, 0.5/s\n");
}

TEST(Progress, SaysNothingOfWhatIsShortWithoutATerminal) {
  testing::internal::CaptureStderr();
  {
    Progress progress("items", 2);
    progress.advance(1);
    progress.advance(1);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Progress, ALineNowAndThenWithoutATerminal) {
  double now = 0;
  const std::int64_t total = 4000;
  std::vector<double> times;
  testing::internal::CaptureStderr();
  Progress progress("items", total, [&now] { return now; });
  for (int second = 1; second <= total; ++second) {
    now = second;
    progress.advance(1);
  }
  std::istringstream lines(testing::internal::GetCapturedStderr());
  for (std::string line; std::getline(lines, line);) {
    EXPECT_THAT(line, testing::MatchesRegex("e5v: [0-9]+ of 4000 items, 1.0/s, .* left"));
    times.push_back(std::stod(line.substr(5)));
  }
  EXPECT_THAT(times, testing::ElementsAre(10, 40, 100, 220, 460, 760, 1060, 1360, 1660, 1960, 2260, 2560, 2860, 3160,
                                          3460, 3760));
}

TEST(Log, SaysOnlyWhatTheLevelAllows) {
  const auto captured = [](LogLevel level) {
    testing::internal::CaptureStderr();
    set_log_level(level);
    log_debug("debug {}", 1);
    log_info("info {}", 2);
    log_warning("warning {}", 3);
    set_log_level(LogLevel::warning);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(captured(LogLevel::warning), "warning: warning 3\n");
  EXPECT_EQ(captured(LogLevel::info), "info: info 2\nwarning: warning 3\n");
  EXPECT_EQ(captured(LogLevel::debug), "debug: debug 1\ninfo: info 2\nwarning: warning 3\n");
  EXPECT_EQ(captured(LogLevel::silent), "");
}

}  // namespace
}  // namespace e5v
