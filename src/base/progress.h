#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace e5v {

/// One line on stderr that is rewritten in place: done, total, rate, time left. Shows nothing unless stderr is a
/// terminal. The line is removed when the object goes.
class Progress {
 public:
  /// `unit` is what is counted ("items"); total 0 means unknown.
  Progress(std::string unit, std::int64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  void advance(std::int64_t count);

  /// The line as it would be shown after `seconds`; public for tests.
  static std::string line(const std::string& unit, std::int64_t done, std::int64_t total, double seconds);

 private:
  using Clock = std::chrono::steady_clock;
  std::string unit_;
  std::int64_t total_, done_ = 0;
  Clock::time_point start_ = Clock::now(), shown_{};
  bool terminal_;
};

/// Seconds as people read them: "4.2s", "3m05s", "2h14m".
std::string duration_text(double seconds);

}  // namespace e5v
