#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "processes/transport.h"

namespace e5v::processes {

/// The processes of one run, numbered from 0. All of them call the functions named collective, in the same order. What
/// those give is the same on every process, and in every repetition with as many processes. A process that no mpirun
/// started is a group of one: everything is its own, and no engine is ever touched. Calls come from one thread at a
/// time, the one that joined. Move-only.
class Group {
 public:
  /// A group of one.
  Group() = default;
  /// Takes this process into the group it was started in; once in its life. Throws DeviceError when there are other
  /// processes and this build cannot speak to them.
  static Group join();

  Group(Group&& other) noexcept;
  Group& operator=(Group&&) = delete;
  /// Collective unless an exception is on its way: leaves the group.
  ~Group();

  int index() const;
  int size() const;
  /// True on process 0, which reads what is read once, and writes.
  bool leads() const { return index() == 0; }
  /// Collective: how many threads this process may run, so that the processes of a machine share its cores evenly; at
  /// least 1. A core counts where this process may run on it (mpirun may bind it to few), in equal parts for all that
  /// may.
  int threads() const;

  /// Collective: values become the sums over all processes, added in their order in double and rounded once. Throws
  /// InvalidInput on all processes when lengths differ. In pieces: memory beyond the values stays under 2 MB a process.
  void sum(std::span<float> values) const;
  /// Collective: the sum over all processes, added in their order.
  double sum(double value) const;
  /// Collective: the floats of all processes in their order; each may give another number. Throws DeviceError above 2
  /// GiB.
  std::vector<float> gather(std::span<const float> mine) const;
  /// Collective: the bytes of each process.
  std::vector<std::string> gather(const std::string& mine) const;
  /// Collective: bytes become those of process 0.
  void broadcast(std::string& bytes) const;
  /// Collective: waits for all.
  void barrier() const;

  /// Collective: runs a check on every process. When it threw on one, all throw the same error: that of the lowest
  /// process, of the same class among those of e5v/error.h (DeviceError for others), with the prefix "process N: " in a
  /// group of several processes.
  void agree(const std::function<void()>& check) const;

  /// Sends to another process, which receives in the order of sending. Returns at once; unsent() says how many messages
  /// this process still holds, and moves them on. Throws DeviceError above 2 GiB.
  void post(int to, std::string message) const;
  std::size_t unsent() const;
  /// The next message from another process when it is there.
  std::optional<std::string> try_receive(int from) const;

 private:
  explicit Group(Transport* transport) : transport_(transport) {}
  std::vector<std::int64_t> gather_counts(std::int64_t mine) const;
  std::string gather_bytes(std::span<const char> mine, std::span<const std::int64_t> counts) const;

  Transport* transport_ = nullptr;  // none: a group of one
};

}  // namespace e5v::processes
