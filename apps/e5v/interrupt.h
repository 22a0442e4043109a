#pragma once

namespace e5v::app {

/// Turns SIGINT and SIGTERM into a request to stop at the next good moment, for as long as the object lives. The second
/// such signal ends the process at once.
class InterruptScope {
 public:
  InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  ~InterruptScope();

  /// The signal that has come, or 0.
  static int signal();
  /// Throws embed::Interrupted when one has come.
  static void check();
};

}  // namespace e5v::app
