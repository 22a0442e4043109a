#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace e5v::processes {

/// What a group of processes stands on. One object per process; all processes call the collective functions in the same
/// order. Waiting leaves the cores to others. Errors of the engine beneath end all processes with its own message.
class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  virtual int index() const = 0;
  virtual int size() const = 0;

  /// Collective: bytes of process 0 to all, in place; as many on every process.
  virtual void broadcast(std::span<char> bytes) = 0;
  /// Collective: the bytes of all processes, in their order; counts[r] says how many process r gives, and all holds
  /// their sum.
  virtual void gather(std::span<const char> mine, std::span<const int> counts, std::span<char> all) = 0;
  /// Collective: the r-th of size() equal parts of `parts` goes to process r; what all gave to this process, in their
  /// order.
  virtual void exchange(std::span<const char> parts, std::span<char> received) = 0;
  /// Collective: waits until all have called it.
  virtual void barrier() = 0;

  /// Sends in the background: messages between two processes keep their order.
  virtual void post(int to, std::string message) = 0;
  /// Messages that have been posted and are still held; moves them on.
  virtual std::size_t unsent() = 0;
  /// The next message from a process when it is there.
  virtual std::optional<std::string> try_receive(int from) = 0;

  /// Collective: leaves the group. No other call may follow.
  virtual void finish() = 0;
  /// Ends all processes with this exit code.
  [[noreturn]] virtual void abort(int code) = 0;
};

/// What the module that holds an engine exports, by the name "e5v_processes_open": starts it. The caller owns the
/// result.
using OpenTransport = Transport*();

}  // namespace e5v::processes
