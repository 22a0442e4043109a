#pragma once
#include <functional>
#include <memory>
#include <string>

namespace e5v::app {

/// Writes the lines of an access log to a file. A thread of its own writes, so nobody waits for the reader of the file.
/// If lines come faster than they can be written, some are dropped, and a warning tells how many.
class AccessLog {
 public:
  /// The size in bytes of the lines that may wait.
  static constexpr std::size_t kMaxWaiting = std::size_t{8} << 20;

  /// "-" is standard output, and "none" is no log. Throws InvalidInput if the file cannot be opened.
  explicit AccessLog(const std::string& name);
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  /// Waits until the lines are written, for at most a second.
  ~AccessLog();

  /// Returns the function that adds a line, or null if there is no log. It returns at once and may be called by several
  /// threads.
  std::function<void(const std::string& line)> writer() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the thread, which may outlive this object
};

}  // namespace e5v::app
