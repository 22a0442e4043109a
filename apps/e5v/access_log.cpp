#include "access_log.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/thread_without_signals.h"

namespace e5v::app {
namespace {

/// Writes all bytes. Returns false, with errno, if that fails.
bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable{descriptor, POLLOUT, 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

struct AccessLog::State {
  State(std::string its_name, int its_descriptor) : name(std::move(its_name)), descriptor(its_descriptor) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (descriptor != STDOUT_FILENO) ::close(descriptor);
  }

  void add(const std::string& line) {
    const std::lock_guard lock(mutex);
    if (waiting.size() + line.size() >= kMaxWaiting) {
      ++dropped;
      return;
    }
    waiting += line;
    waiting += '\n';
    changed.notify_all();
  }

  /// Writes lines until the log ends.
  void write() {
    bool fails = false;
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return ending || !waiting.empty(); });
      if (waiting.empty()) break;
      const std::string lines = std::exchange(waiting, {});
      const std::size_t lost = std::exchange(dropped, 0);
      lock.unlock();
      if (lost > 0) log_warning("[{}] {} lines of the access log were dropped: its reader is too slow", name, lost);
      const bool failed = !write_all(descriptor, lines);
      if (failed && !fails) log_warning("[{}] the access log cannot be written: {}", name, system_error_text());
      fails = failed;
      lock.lock();
    }
    ended = true;
    changed.notify_all();
  }

  const std::string name;
  const int descriptor;
  std::mutex mutex;  // protects the members below
  std::condition_variable changed;
  std::string waiting;
  std::size_t dropped = 0;
  bool ending = false, ended = false;
};

AccessLog::AccessLog(const std::string& name) {
  if (name == "none") return;
  const bool is_stdout = name == "-";
  const int descriptor =
      is_stdout ? STDOUT_FILENO : ::open(name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  require(descriptor >= 0, "[{}] cannot be written: {}", name, system_error_text());
  state_ = std::make_shared<State>(is_stdout ? "stdout" : name, descriptor);
  thread_without_signals([state = state_] { state->write(); }).detach();  // nobody can interrupt its writing
}

AccessLog::~AccessLog() {
  if (!state_) return;
  std::unique_lock lock(state_->mutex);
  state_->ending = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, std::chrono::seconds(1), [this] { return state_->ended; });
}

std::function<void(const std::string&)> AccessLog::writer() const {
  if (!state_) return nullptr;
  return [state = state_](const std::string& line) { state->add(line); };
}

}  // namespace e5v::app
