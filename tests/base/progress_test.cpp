#include "base/progress.h"

#include <gmock/gmock.h>

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

TEST(Progress, SilentWithoutTerminal) {
  testing::internal::CaptureStderr();
  {
    Progress progress("items", 2);
    progress.advance(1);
    progress.advance(1);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
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
