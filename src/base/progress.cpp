#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/log.h"

namespace e5v {

Progress::Progress(std::string unit, std::int64_t total)
    : unit_(std::move(unit)), total_(total), terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (terminal_ && shown_ != Clock::time_point{}) tell("\r\x1b[K");
}

void Progress::advance(std::int64_t count) {
  done_ += count;
  const auto now = Clock::now();
  if (!terminal_ || now - shown_ < std::chrono::milliseconds(100)) return;
  shown_ = now;
  tell("\r\x1b[K{}", line(unit_, done_, total_, std::chrono::duration<double>(now - start_).count()));
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

std::string duration_text(double seconds) {
  if (seconds < 59.95) return fmt::format("{:.1f}s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

}  // namespace e5v
