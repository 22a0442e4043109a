#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "base/log.h"

namespace e5v {

namespace {

/// Since the first call.
double running_seconds() {
  using Steady = std::chrono::steady_clock;
  static const Steady::time_point start = Steady::now();
  return std::chrono::duration<double>(Steady::now() - start).count();
}

}  // namespace

Progress::Pace& Progress::common_pace() {
  static Pace pace;
  return pace;
}

Progress::Progress(std::string unit, std::int64_t total, Clock clock, bool terminal, Pace& pace)
    : unit_(std::move(unit)),
      total_(total),
      clock_(std::move(clock)),
      terminal_(terminal),
      pace_(&pace),
      start_(clock_()) {}

Progress::Progress(std::string unit, std::int64_t total)
    : Progress(std::move(unit), total, running_seconds, ::isatty(STDERR_FILENO) == 1, common_pace()) {}

Progress::Progress(std::string unit, std::int64_t total, Clock clock)
    : Progress(std::move(unit), total, std::move(clock), false, own_pace_) {}

Progress::~Progress() {
  if (is_shown_) tell("\r\x1b[K");
}

void Progress::advance(std::int64_t count) {
  done_ += count;
  const double now = clock_();
  terminal_ ? rewrite(now) : add_line(now);
}

void Progress::rewrite(double now) {
  constexpr double kPause = 0.1;
  if (is_shown_ && now - shown_ < kPause) return;
  is_shown_ = true;
  shown_ = now;
  tell("\r\x1b[K{}", line(unit_, done_, total_, now - start_));
  std::fflush(stderr);
}

void Progress::add_line(double now) {
  constexpr double kLongestPause = 300;
  if (now < pace_->next || (total_ > 0 && done_ >= total_)) return;  // the end has a line of its own
  pace_->next = now + pace_->pause;
  pace_->pause = std::min(2 * pace_->pause, kLongestPause);
  tell("{}", plain_line(unit_, done_, total_, now - start_));
  std::fflush(stderr);
}

std::string Progress::line(const std::string& unit, std::int64_t done, std::int64_t total, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  if (total <= 0) return fmt::format("{} {}  {:.1f}/s  {}", done, unit, rate, duration_text(seconds));
  constexpr int kWidth = 24;
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const int filled = static_cast<int>(share * kWidth);
  const std::string left = rate > 0 ? duration_text(static_cast<double>(total - done) / rate) : "?";
  return fmt::format("[{:=<{}}{: <{}}] {}/{} {}  {:.1f}/s  {} left", "", filled, "", kWidth - filled, done, total, unit,
                     rate, left);
}

std::string Progress::plain_line(const std::string& unit, std::int64_t done, std::int64_t total, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  if (total <= 0) return fmt::format("e5v: {} {} in {}, {:.1f}/s\n", done, unit, duration_text(seconds), rate);
  const std::string left = rate > 0 ? duration_text(static_cast<double>(total - done) / rate) : "?";
  return fmt::format("e5v: {} of {} {}, {:.1f}/s, {} left\n", done, total, unit, rate, left);
}

std::string duration_text(double seconds) {
  if (seconds < 59.95) return fmt::format("{:.1f}s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

}  // namespace e5v
