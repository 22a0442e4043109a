#include "embed/ordered_stream.h"

#include <chrono>
#include <deque>
#include <utility>
#include <variant>

#include "base/error.h"
#include "base/read_ahead.h"
#include "embed/batch.h"

namespace e5v::embed {
namespace {

/// A prepared input, or the reason why it could not be prepared.
using Outcome = std::variant<PreparedInput, InvalidInput>;

// The capacity of the queue of prepared inputs: the memory of four images, of which a text takes a small part.
constexpr std::int64_t kAheadCapacity = 256, kImageWeight = 64, kTextWeight = 1;
/// The maximum number of waiting inputs, including bad ones. Then the batch is computed, however many rows it has.
constexpr std::size_t kMaxPending = 4096;
/// The interval at which a stream without prepared inputs asks whether next() waits.
constexpr std::chrono::milliseconds kPause{10};

std::int64_t weigh(const Outcome& outcome) {
  const auto* prepared = std::get_if<PreparedInput>(&outcome);
  return prepared == nullptr || prepared->images.empty()
             ? kTextWeight
             : kImageWeight * static_cast<std::int64_t>(prepared->images.size());
}

/// Takes outcomes in order, computes the good ones in batches, and returns results in the same order.
class StreamRun {
 public:
  StreamRun(const Stream& stream, const StreamHooks& hooks, const StreamEngine& engine)
      : stream_(stream),
        hooks_(hooks),
        engine_(engine),
        batches_(engine.token_budget, [this](std::span<const PreparedInput> inputs) { finish(inputs); }) {}

  void take(Outcome outcome) {
    if (auto* prepared = std::get_if<PreparedInput>(&outcome)) {
      batches_.add(std::move(*prepared));
      pending_.emplace_back(std::nullopt);
    } else {
      pending_.emplace_back(std::get<InvalidInput>(outcome));
      if (!stream_.bad) batches_.flush();
    }
    if (pending_.size() >= kMaxPending) batches_.flush();
  }

  /// Computes the waiting inputs, if there are any, and returns their results.
  void flush_pending() {
    if (!pending_.empty()) batches_.flush();
  }

  void flush() { batches_.flush(); }

 private:
  /// Computes a batch and reports all waiting results.
  void finish(std::span<const PreparedInput> inputs) {
    const bool computes = !hooks_.computes || hooks_.computes();
    BatchVectors vectors;
    if (computes && !inputs.empty()) vectors = engine_.compute(inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      report_bad();
      if (computes) {
        require<ModelError>(vectors.problem(i).empty(), "[input {}] {}", next_, vectors.problem(i));
      }
      const std::span<const float> vector = computes ? vectors.vector(i) : std::span<const float>();
      stream_.done(next_, {vector, inputs[i].tokens(), inputs[i].fingerprint});
      pending_.pop_front();
      ++next_;
    }
    report_bad();
    if (stream_.batch_end) stream_.batch_end();
  }

  /// Reports the bad inputs in front of the next good one.
  void report_bad() {
    for (; !pending_.empty() && pending_.front(); pending_.pop_front(), ++next_) {
      if (!stream_.bad) throw InvalidInput(*pending_.front());
      stream_.bad(next_, *pending_.front());
    }
  }

  const Stream& stream_;
  const StreamHooks& hooks_;
  const StreamEngine& engine_;
  Batches batches_;
  std::deque<std::optional<InvalidInput>> pending_;  // in input order; nothing for a good input, which is in the batch
  std::int64_t next_ = 0;                            // index of the first pending input
};

}  // namespace

void run_stream(const Stream& stream, const StreamHooks& hooks, const StreamEngine& engine) {
  const auto prepare_next = [&]() -> std::optional<Outcome> {
    try {
      const std::optional<Input> input = stream.next();
      if (!input) return std::nullopt;
      return engine.prepare(*input);
    } catch (const InvalidInput& error) {
      return error;
    }
  };
  StreamRun run(stream, hooks, engine);
  ReadAhead<Outcome> ahead(prepare_next, weigh, kAheadCapacity);
  const auto next = [&] {
    while (hooks.waits && !ahead.has_news_within(kPause)) {
      if (hooks.waits()) run.flush_pending();
    }
    return ahead.pop();
  };
  while (std::optional<Outcome> outcome = next()) run.take(std::move(*outcome));
  run.flush();
}

}  // namespace e5v::embed
