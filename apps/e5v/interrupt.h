#pragma once
#include <functional>

namespace e5v::app {

/// From now on SIGINT and SIGTERM end the process at once, with exit code 128 and their number, unless an
/// InterruptScope lives. To be called once, first in main().
void exit_at_signals();

/// Turns SIGINT and SIGTERM into a request to stop at the next good moment, as long as the object lives. When that
/// moment does not come within a second (a wait, a long product), the process ends without it. The second such signal
/// ends it at once.
class InterruptScope {
 public:
  /// `last_words` is called, on a thread of its own, before the process ends without a good moment.
  explicit InterruptScope(std::function<void()> last_words = nullptr);
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  ~InterruptScope();

  /// From now on the process waits for the good moment without a limit, because its progress would be lost otherwise.
  static void wait_for_good_moment();
  /// The signal that has come, or 0.
  static int signal();
  /// Throws Interrupted when one has come.
  static void check();
};

}  // namespace e5v::app
