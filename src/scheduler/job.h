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

/// A submitted input with its options.
struct Request {
  Input input;
  RunOptions run = {};
  PrepareOptions prepare = {};
  SubmitOptions options = {};
};

struct Job;

/// One submission: the function that receives its result, and its deadline.
struct Ticket {
  Done done;
  SubmitOptions options;
  Clock::time_point submitted;
  std::shared_ptr<Job> job;  ///< null after the result of the submission is known
  std::optional<std::stop_callback<std::function<void()>>> on_cancel;
};

/// The result of a submission: a vector or an error.
struct Outcome {
  std::shared_ptr<Ticket> ticket;
  EmbeddedInput vector;
  std::exception_ptr error;
};

/// Calls the `done` function of each ticket. The calling thread must not hold a mutex, because these functions are code
/// of the user, and because the destructor of a ticket waits for a running cancellation.
void tell(std::vector<Outcome> outcomes);

enum class State { waiting, preparing, ready, computing };

/// One computation. Submissions of the same content that arrive before it ends share it.
struct Job {
  Request request;
  std::uint64_t number = 0;  ///< in the order of submission
  std::int64_t turn = 0;     ///< among the jobs of its priority (FairTurns)
  int priority = 0;          ///< the highest priority of its tickets
  State state = State::waiting;
  bool image = false;          ///< whether the input has an image
  Size size;                   ///< its size in the queue, without its tickets
  std::int64_t charged = 0;    ///< the tokens that its client's turns were charged (FairTurns)
  std::optional<Hash128> key;  ///< the hash of its content, if that is known
  embed::PreparedInput prepared;
  std::vector<std::shared_ptr<Ticket>> tickets;
};

/// Orders jobs by priority (the highest first), then by turn, then by number.
struct MoreUrgent {
  bool operator()(const std::shared_ptr<Job>& a, const std::shared_ptr<Job>& b) const {
    if (a->priority != b->priority) return a->priority > b->priority;
    return a->turn != b->turn ? a->turn < b->turn : a->number < b->number;
  }
};

/// Jobs in the same state: texts and images, each in the order of MoreUrgent.
struct Lanes {
  using Lane = std::set<std::shared_ptr<Job>, MoreUrgent>;
  Lane texts, images;

  Lane& of(const Job& job) { return job.image ? images : texts; }
  bool empty() const { return texts.empty() && images.empty(); }
};

}  // namespace e5v::scheduler
