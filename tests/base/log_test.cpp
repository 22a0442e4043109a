#include "base/log.h"

#include <gmock/gmock.h>

namespace e5v {
namespace {

/// What all severities leave on stderr at a level.
std::string said_at(LogLevel level) {
  set_log_level(level);
  testing::internal::CaptureStderr();
  log_debug("one {}", 1);
  log_info("two {}", 2);
  log_warning("three {}", 3);
  set_log_level(LogLevel::warning);
  return testing::internal::GetCapturedStderr();
}

TEST(Log, SaysWhatItsLevelAllows) {
  EXPECT_EQ(said_at(LogLevel::debug), "debug: one 1\ninfo: two 2\nwarning: three 3\n");
  EXPECT_EQ(said_at(LogLevel::info), "info: two 2\nwarning: three 3\n");
  EXPECT_EQ(said_at(LogLevel::warning), "warning: three 3\n");
  EXPECT_EQ(said_at(LogLevel::silent), "");
}

TEST(Log, WhatAProgramTellsIsSaidAsItIsAtAnyLevel) {
  set_log_level(LogLevel::silent);
  testing::internal::CaptureStderr();
  tell("{} of {}", 1, 2);
  set_log_level(LogLevel::warning);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "1 of 2");
}

}  // namespace
}  // namespace e5v
