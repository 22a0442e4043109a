#include "runs/shared_batches.h"

#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "base/error.h"
#include "processes/ending.h"

namespace e5v::runs {
namespace {

/// How far process 0 may run ahead of the others, in batches for each of them, and they ahead of it. Batches differ in
/// how long they take, and a message moves on only when its sender makes it progress, between two batches.
constexpr std::size_t kMaxPending = 4, kMaxUnsent = 4;

// A message: a letter, then a verdict as it is ('F'), or a position ('E', the end) and vectors after it ('V').
constexpr char kVectors = 'V', kEnd = 'E', kFailure = 'F';
constexpr std::size_t kPositionNumbers = 4, kHead = 1 + kPositionNumbers * sizeof(std::uint64_t);

std::string message_of(char kind, const RunPosition& position, const std::vector<float>& vectors = {}) {
  const std::uint64_t numbers[kPositionNumbers] = {static_cast<std::uint64_t>(position.items),
                                                   static_cast<std::uint64_t>(position.bad), position.source.low,
                                                   position.source.high};
  std::string message(kHead + vectors.size() * sizeof(float), kind);
  std::memcpy(message.data() + 1, numbers, sizeof numbers);
  if (!vectors.empty()) std::memcpy(message.data() + kHead, vectors.data(), vectors.size() * sizeof(float));
  return message;
}

RunPosition position_of(std::string_view message) {
  std::uint64_t numbers[kPositionNumbers];
  std::memcpy(numbers, message.data() + 1, sizeof numbers);
  RunPosition position{static_cast<std::int64_t>(numbers[0]), static_cast<std::int64_t>(numbers[1]), {}};
  position.source.low = numbers[2];
  position.source.high = numbers[3];
  return position;
}

}  // namespace

SharedBatches::SharedBatches(const processes::Group& group, std::int64_t width,
                             std::function<void(const DoneBatch&)> take, std::function<void()> check_stop)
    : group_(group), width_(width), take_(std::move(take)), check_stop_(std::move(check_stop)) {}

void SharedBatches::add(DoneBatch batch) {
  const int owner = static_cast<int>(number_++ % group_.size());
  if (batch.ids.empty() && batch.bad.empty()) return;
  if (!group_.leads()) {
    if (owner == group_.index()) post(message_of(kVectors, batch.position, batch.vectors));
    return;
  }
  pending_.push_back({owner, std::move(batch)});
  while (take_front(false)) {
  }
  while (pending_.size() > kMaxPending * static_cast<std::size_t>(group_.size())) take_front(true);
}

void SharedBatches::take_all() {
  while (take_front(true)) {
  }
}

void SharedBatches::finish(const RunPosition& position) {
  if (!group_.leads()) {
    post(message_of(kEnd, position));
    while (group_.unsent() > 0) pause();
    return;
  }
  take_all();
  for (int process = 1; process < group_.size(); ++process) {
    const std::string message = receive(process);
    check_same(process, message, position);
    require(message[0] == kEnd, "process {} found more items in the input than process 0", process);
  }
}

void SharedBatches::give_up(const std::string& verdict) {
  group_.post(0, kFailure + verdict);
  group_.barrier();  // process 0 does not come to it
}

/// Passes the oldest batch to `take`. Returns false if there is none or, unless `wait` is set, if it has not arrived
/// yet.
bool SharedBatches::take_front(bool wait) {
  if (pending_.empty()) return false;
  Pending& front = pending_.front();
  try {
    if (front.owner != 0) {
      const std::optional<std::string> message = wait ? receive(front.owner) : group_.try_receive(front.owner);
      if (!message) return false;
      fill(front.owner, *message, front.batch);
    }
    take_(front.batch);
  } catch (...) {
    pending_.clear();  // what follows a gap may not be handed out
    throw;
  }
  pending_.pop_front();
  return true;
}

void SharedBatches::fill(int owner, std::string_view message, DoneBatch& batch) const {
  check_same(owner, message, batch.position);
  const std::size_t floats = batch.ids.size() * static_cast<std::size_t>(width_);
  require(message[0] == kVectors && message.size() == kHead + floats * sizeof(float),
          "process {} and process 0 found other items in the input", owner);
  batch.vectors.resize(floats);
  if (floats > 0) std::memcpy(batch.vectors.data(), message.data() + kHead, floats * sizeof(float));
}

void SharedBatches::check_same(int owner, std::string_view message, const RunPosition& mine) const {
  if (message[0] == kFailure) processes::throw_verdict(std::string(message.substr(1)), owner);
  const RunPosition theirs = position_of(message);
  require(
      theirs.items == mine.items && theirs.bad == mine.bad && theirs.source == mine.source,
      "process {} and process 0 found other items in the input: {} and {} up to the end of a batch, {} and {} of them "
      "unreadable; do both see the same files?",
      owner, theirs.items, mine.items, theirs.bad, mine.bad);
}

void SharedBatches::post(std::string message) {
  group_.post(0, std::move(message));
  while (group_.unsent() > kMaxUnsent) pause();
}

std::string SharedBatches::receive(int from) {
  for (;;) {
    if (std::optional<std::string> message = group_.try_receive(from)) return *std::move(message);
    pause();
  }
}

void SharedBatches::pause() const {
  if (check_stop_) check_stop_();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace e5v::runs
