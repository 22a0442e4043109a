#pragma once
#include <functional>

namespace e5v::app {

/// After this call SIGINT and SIGTERM end the process at once, with exit code 128 plus their number, unless an
/// InterruptScope exists. Call it once, first in main().
void exit_at_signals();

/// While the object exists, SIGINT and SIGTERM are requests to stop at the next suitable moment. When none comes within
/// a second (because of a wait or a long product), the process ends anyway. The second such signal ends it at once.
class InterruptScope {
 public:
  /// `last_words` is called on its own thread when the process ends without a suitable moment.
  explicit InterruptScope(std::function<void()> last_words = nullptr);
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  ~InterruptScope();

  /// After this call the process waits for a suitable moment without a limit, because its progress would be lost
  /// otherwise.
  static void wait_for_good_moment();
  /// The signal that has arrived, or 0.
  static int signal();
  /// Throws Interrupted when a signal has arrived.
  static void check();
};

}  // namespace e5v::app
