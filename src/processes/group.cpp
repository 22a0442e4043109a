#include "processes/group.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "processes/ending.h"
#include "processes/launch.h"

namespace e5v::processes {
namespace {

/// One process's part of a piece that is summed at a time: 1 MB.
constexpr std::size_t kSliceFloats = std::size_t{1} << 18;

template <class T>
std::span<const char> bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

template <class T>
std::span<char> writable_bytes_of(std::span<T> values) {
  return {reinterpret_cast<char*>(values.data()), values.size_bytes()};
}

/// Where this process may run: the machine's name and a character for each core, '1' if it may.
std::string cores_of_this_rank() {
  std::array<char, 256> machine{};
  ::gethostname(machine.data(), machine.size() - 1);
  cpu_set_t set;
  CPU_ZERO(&set);
  std::string cores;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) cores += CPU_ISSET(core, &set) ? '1' : '0';
  }
  return fmt::format("{:0>{}}{}", cores, CPU_SETSIZE, machine.data());
}

}  // namespace

Group Group::join() {
  if (launch().size == 1) return {};
  require<DeviceError>(engine() == nullptr, "[mpi] this process has joined its group already");
  engine() = open_transport();
  return Group(engine().get());
}

Group::Group(Group&& other) noexcept : transport_(std::exchange(other.transport_, nullptr)) {}

Group::~Group() {
  if (transport_ == nullptr || std::uncaught_exceptions() > 0) return;
  transport_->finish();
  engine().reset();
}

int Group::index() const { return transport_ == nullptr ? 0 : transport_->index(); }

int Group::size() const { return transport_ == nullptr ? 1 : transport_->size(); }

int Group::threads() const {
  const std::string mine = cores_of_this_rank();
  const std::vector<std::string> all = gather(mine);
  const std::string_view machine = std::string_view(mine).substr(CPU_SETSIZE);
  double share = 0;
  for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
    if (mine[core] != '1') continue;
    share += 1.0 / static_cast<double>(std::count_if(all.begin(), all.end(), [&](const std::string& other) {
               return other[core] == '1' && std::string_view(other).substr(CPU_SETSIZE) == machine;
             }));
  }
  return std::max(1, static_cast<int>(share + 1e-6));
}

// N processes, S floats of a slice. Every process adds one slice of a piece, and then all have all slices: each float
// crosses the wire about twice, however many processes there are.
void Group::sum(std::span<float> values) const {
  if (size() == 1) return;
  const auto lengths = gather_counts(static_cast<std::int64_t>(values.size()));
  for (const std::int64_t length : lengths)
    require(length == lengths[0], "[sum] processes give {} and {} values", lengths[0], length);
  const auto processes = static_cast<std::size_t>(size());
  while (!values.empty()) {
    const std::span<float> piece = values.first(std::min(values.size(), processes * kSliceFloats));
    const std::size_t slice = (piece.size() + processes - 1) / processes;
    std::vector<float> parts_NS(processes * slice, 0.0F), received_NS(processes * slice), sum_S(slice);
    std::copy(piece.begin(), piece.end(), parts_NS.begin());
    transport_->exchange(bytes_of<float>(parts_NS), writable_bytes_of<float>(received_NS));
    for (std::size_t i = 0; i < slice; ++i) {
      double total = 0;
      for (std::size_t r = 0; r < processes; ++r) total += received_NS[r * slice + i];
      sum_S[i] = static_cast<float>(total);
    }
    const std::vector<int> counts(processes, static_cast<int>(slice * sizeof(float)));
    transport_->gather(bytes_of<float>(sum_S), counts, writable_bytes_of<float>(parts_NS));
    std::copy_n(parts_NS.begin(), piece.size(), piece.begin());
    values = values.subspan(piece.size());
  }
}

double Group::sum(double value) const {
  if (size() == 1) return value;
  const std::vector<std::int64_t> counts(static_cast<std::size_t>(size()), sizeof value);
  const std::string all = gather_bytes(bytes_of<double>(std::span(&value, 1)), counts);
  double total = 0;
  for (std::size_t r = 0; r < counts.size(); ++r) {
    double part = 0;
    std::memcpy(&part, all.data() + r * sizeof part, sizeof part);
    total += part;
  }
  return total;
}

std::vector<float> Group::gather(std::span<const float> mine) const {
  if (size() == 1) return {mine.begin(), mine.end()};
  const auto counts = gather_counts(static_cast<std::int64_t>(mine.size_bytes()));
  const std::string all = gather_bytes(bytes_of(mine), counts);
  std::vector<float> values(all.size() / sizeof(float));
  std::memcpy(values.data(), all.data(), all.size());
  return values;
}

std::vector<std::string> Group::gather(const std::string& mine) const {
  if (size() == 1) return {mine};
  const auto counts = gather_counts(static_cast<std::int64_t>(mine.size()));
  const std::string all = gather_bytes(mine, counts);
  std::vector<std::string> result;
  for (std::size_t at = 0; const std::int64_t count : counts) {
    result.push_back(all.substr(at, static_cast<std::size_t>(count)));
    at += static_cast<std::size_t>(count);
  }
  return result;
}

std::vector<std::int64_t> Group::gather_counts(std::int64_t mine) const {
  const auto processes = static_cast<std::size_t>(size());
  std::vector<std::int64_t> all(processes);
  const std::vector<int> counts(processes, sizeof mine);
  transport_->gather(bytes_of<std::int64_t>(std::span(&mine, 1)), counts, writable_bytes_of<std::int64_t>(all));
  return all;
}

std::string Group::gather_bytes(std::span<const char> mine, std::span<const std::int64_t> counts) const {
  const std::int64_t total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  require<DeviceError>(total <= std::numeric_limits<int>::max(), "[gather] {} bytes are more than 2 GiB", total);
  std::string all(static_cast<std::size_t>(total), '\0');
  transport_->gather(mine, std::vector<int>(counts.begin(), counts.end()), all);
  return all;
}

void Group::broadcast(std::string& bytes) const {
  if (size() == 1) return;
  auto length = static_cast<std::int64_t>(bytes.size());
  transport_->broadcast(writable_bytes_of(std::span(&length, 1)));
  bytes.resize(static_cast<std::size_t>(length));
  transport_->broadcast(bytes);
}

void Group::barrier() const {
  if (size() > 1) transport_->barrier();
}

void Group::agree(const std::function<void()>& check) const {
  if (size() == 1) return check();
  const std::vector<std::string> verdicts = gather(verdict_of(check));
  for (std::size_t r = 0; r < verdicts.size(); ++r) {
    if (!verdicts[r].empty()) throw_verdict(verdicts[r], static_cast<int>(r));
  }
}

void Group::post(int to, std::string message) const {
  require<DeviceError>(message.size() <= std::numeric_limits<int>::max(), "[post] {} bytes are more than 2 GiB",
                       message.size());
  transport_->post(to, std::move(message));
}

std::size_t Group::unsent() const { return transport_ == nullptr ? 0 : transport_->unsent(); }

std::optional<std::string> Group::try_receive(int from) const { return transport_->try_receive(from); }

}  // namespace e5v::processes
