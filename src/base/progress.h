#pragma once
#include <cstdint>
#include <functional>
#include <string>

namespace e5v {

/// How a run goes, on stderr: done, total, rate, time left. On a terminal one line that is rewritten in place, and
/// removed when the object goes; elsewhere a line now and then: after 10 seconds, and then after pauses that grow from
/// 30 seconds to 5 minutes, whatever number of these objects follow one another.
class Progress {
 public:
  /// Seconds since some moment.
  using Clock = std::function<double()>;

  /// `unit` is what is counted ("items"); total 0 means unknown.
  Progress(std::string unit, std::int64_t total);
  /// The lines of what is no terminal, by another clock; for tests.
  Progress(std::string unit, std::int64_t total, Clock clock);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  void advance(std::int64_t count);

  /// The line as it would be shown after `seconds` on a terminal, and elsewhere; public for tests.
  static std::string line(const std::string& unit, std::int64_t done, std::int64_t total, double seconds);
  static std::string plain_line(const std::string& unit, std::int64_t done, std::int64_t total, double seconds);

 private:
  /// When the next line of what is no terminal is due.
  struct Pace {
    double next = 10, pause = 30;
  };

  Progress(std::string unit, std::int64_t total, Clock clock, bool terminal, Pace& pace);
  void rewrite(double now);
  void add_line(double now);
  static Pace& common_pace();

  std::string unit_;
  std::int64_t total_, done_ = 0;
  Clock clock_;
  bool terminal_;
  Pace own_pace_, *pace_;
  double start_, shown_ = 0;
  bool is_shown_ = false;
};

/// Seconds as people read them: "4.2s", "3m05s", "2h14m".
std::string duration_text(double seconds);

}  // namespace e5v
