#pragma once
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <vector>

#include "e5v/submit.h"
#include "scheduler/content.h"

namespace e5v::scheduler {

using Clock = std::chrono::steady_clock;

/// What is submitted.
struct Request {
  Input input;
  RunOptions run = {};
  PrepareOptions prepare = {};
  SubmitOptions options = {};
};

struct Job;

/// One submission: whom to tell, and until when.
struct Ticket {
  Done done;
  SubmitOptions options;
  Clock::time_point submitted;
  std::shared_ptr<Job> job;  ///< null once it is known what becomes of it
  std::optional<std::stop_callback<std::function<void()>>> on_cancel;
};

/// What becomes of a submission.
struct Outcome {
  std::shared_ptr<Ticket> ticket;
  EmbeddedInput vector;
  std::exception_ptr error;
};

/// Tells everybody. Nothing may be locked: what is told is the caller's own code, and the end of a ticket waits for a
/// cancellation that is under way.
void tell(std::vector<Outcome> outcomes);

enum class State { waiting, preparing, ready, computing };

/// One computation, for all submissions of the same content that come while it is under way.
struct Job {
  Request request;
  std::uint64_t number = 0;  ///< in the order of submission
  std::int64_t turn = 0;     ///< among the jobs of its priority (FairTurns)
  int priority = 0;          ///< the highest of its tickets
  State state = State::waiting;
  bool image = false;          ///< whether the input has one
  Size size;                   ///< what it counts in the queue
  std::optional<Hash128> key;  ///< once its content is known
  embed::PreparedInput prepared;
  std::vector<std::shared_ptr<Ticket>> tickets;
};

/// The urgent first: of a higher priority, then of an earlier turn, then the older.
struct MoreUrgent {
  bool operator()(const std::shared_ptr<Job>& a, const std::shared_ptr<Job>& b) const {
    if (a->priority != b->priority) return a->priority > b->priority;
    return a->turn != b->turn ? a->turn < b->turn : a->number < b->number;
  }
};

/// Jobs that wait for the same thing.
struct Lanes {
  using Lane = std::set<std::shared_ptr<Job>, MoreUrgent>;
  Lane texts, images;

  Lane& of(const Job& job) { return job.image ? images : texts; }
  bool empty() const { return texts.empty() && images.empty(); }
};

}  // namespace e5v::scheduler
