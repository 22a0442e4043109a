#include "scheduler/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "scheduler/content.h"

namespace e5v::scheduler {
namespace {

double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

/// The result of a forward pass for one input.
struct Result {
  std::vector<float> vector;
  std::exception_ptr error;
};

std::vector<Result> compute_once(Worker& worker, std::span<const embed::PreparedInput> inputs) {
  std::vector<Result> results;
  const embed::BatchVectors vectors = worker.compute(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::span<const float> vector = vectors.vector(i);
    Result& result = results.emplace_back(Result{{vector.begin(), vector.end()}, nullptr});
    if (!vectors.problem(i).empty())
      result.error = std::make_exception_ptr(ModelError("[input] " + vectors.problem(i)));
  }
  return results;
}

/// Computes a batch. If the forward pass throws (for example, because memory is insufficient), both halves of the batch
/// are computed separately. So only the inputs that cause the error fail.
std::vector<Result> compute_all(Worker& worker, std::span<const embed::PreparedInput> inputs) {
  try {
    return compute_once(worker, inputs);
  } catch (...) {
    if (inputs.size() == 1) return {{{}, std::current_exception()}};
  }
  const std::size_t half = inputs.size() / 2;
  std::vector<Result> results = compute_all(worker, inputs.first(half));
  for (Result& result : compute_all(worker, inputs.subspan(half))) results.push_back(std::move(result));
  return results;
}

}  // namespace

Scheduler::Scheduler(ComputeThread& compute, Worker& worker, const QueueOptions& options)
    : compute_(compute),
      worker_(worker),
      options_(options),
      queue_(options),
      policy_([&worker](std::int64_t asked) { return worker.token_budget(asked); }),
      cache_(options.cache_bytes) {
  compute_.set_step([this] { return step(); });
}

Scheduler::~Scheduler() { shutdown(Shutdown::cancel); }

void Scheduler::submit(Request request, Done done) {
  const auto ticket = std::make_shared<Ticket>();
  ticket->done = std::move(done);
  ticket->options = request.options;
  ticket->submitted = Clock::now();
  std::optional<Hash128> key;
  std::exception_ptr error;
  try {
    if (is_in_memory(request.input)) key = key_of(request);
  } catch (...) {
    error = std::current_exception();
  }
  admit(std::move(request), ticket, key, error);
  if (ticket->options.cancel.stop_possible()) watch(ticket);
}

std::future<EmbeddedInput> Scheduler::submit(Request request) {
  const auto promise = std::make_shared<std::promise<EmbeddedInput>>();
  std::future<EmbeddedInput> future = promise->get_future();
  submit(std::move(request), [promise](EmbeddedInput vector, std::exception_ptr error) {
    error ? promise->set_exception(std::move(error)) : promise->set_value(std::move(vector));
  });
  return future;
}

Hash128 Scheduler::key_of(const Request& request) {
  return content_key(request.input, *worker_.fingerprint(request.input, request.run, request.prepare), request.prepare);
}

/// Handles a new ticket. If its vector is cached, it gets the vector at once. If a job has the same content, it is
/// attached to this job. Otherwise a new job is queued.
void Scheduler::admit(Request request, const std::shared_ptr<Ticket>& ticket, const std::optional<Hash128>& key,
                      const std::exception_ptr& error) {
  std::unique_lock lock(mutex_);
  require<Cancelled>(!closed_, "[submit] the embedder is shut down");
  start_preparing();
  std::vector<Outcome> outcomes = expire();
  const bool settled = error || (key && answer({ticket}, *key, outcomes));
  if (error) fail_all({ticket}, error, counters_.failed, outcomes);
  const std::shared_ptr<Job> same = settled || !key ? nullptr : queue_.find(*key);
  const Size size = same ? Size{} : expected_size(request.input);
  if (!settled && !queue_.has_room(size, ticket->options.client)) {
    ++counters_.overloaded;
    const Size queued = queue_.size();
    tell_unlocked(lock, std::move(outcomes));
    fail<Overloaded>("[submit] the queue holds {} of {} tokens and {} of {} bytes: no room for {} tokens and {} bytes",
                     queued.tokens, options_.tokens, queued.bytes, options_.bytes, size.tokens, size.bytes);
  }
  ++counters_.submitted;
  if (!settled) {
    if (!join({ticket}, same)) {
      const std::shared_ptr<Job> job = queue_.add(std::move(request), size);
      queue_.attach(ticket, job);
      if (key) miss(job, *key);
    }
  }
  const bool at_once = queue_.has_waiting_text() && !computing_;
  tell_unlocked(lock, std::move(outcomes));
  lock.unlock();
  if (!settled) begin_work(at_once);
}

/// Wakes threads after an input was added. If a text waits and the compute thread does not compute (`at_once`), this
/// thread prepares the text itself: this saves the change of threads, which takes longer than the preparation. No other
/// thread needs to watch the deadline then. Otherwise the preparing threads get the input, or a deadline to watch.
void Scheduler::begin_work(bool at_once) {
  if (at_once && compute_.wake_unless_called()) return;
  work_.notify_all();
}

/// Adds the outcomes of tickets whose vector is cached. Returns whether it is cached.
bool Scheduler::answer(const std::vector<std::shared_ptr<Ticket>>& tickets, const Hash128& key,
                       std::vector<Outcome>& outcomes) {
  const std::optional<EmbeddedInput> known = cache_.find(key);
  if (!known) return false;
  counters_.cache_hits += static_cast<std::int64_t>(tickets.size());
  counters_.done += static_cast<std::int64_t>(tickets.size());
  for (const std::shared_ptr<Ticket>& ticket : tickets) outcomes.push_back({ticket, *known, nullptr});
  return true;
}

/// Attaches tickets to a job with the same content. Returns whether there is one.
bool Scheduler::join(const std::vector<std::shared_ptr<Ticket>>& tickets, const std::shared_ptr<Job>& job) {
  if (!job) return false;
  counters_.shared += static_cast<std::int64_t>(tickets.size());
  for (const std::shared_ptr<Ticket>& ticket : tickets) queue_.attach(ticket, job);
  return true;
}

void Scheduler::miss(const std::shared_ptr<Job>& job, const Hash128& key) {
  ++counters_.cache_misses;
  queue_.set_key(job, key);
}

void Scheduler::watch(const std::shared_ptr<Ticket>& ticket) {
  const std::weak_ptr<Ticket> watched = ticket;
  ticket->on_cancel.emplace(ticket->options.cancel, [this, watched] {
    if (const std::shared_ptr<Ticket> alive = watched.lock()) cancel(alive);
  });
}

void Scheduler::cancel(const std::shared_ptr<Ticket>& ticket) {
  std::unique_lock lock(mutex_);
  if (!ticket->job || ticket->job->state == State::computing) return;
  queue_.detach(ticket);
  work_.notify_all();  // if a ready job was removed, more images may be prepared
  std::vector<Outcome> outcomes;
  fail_all({ticket}, std::make_exception_ptr(Cancelled("[submit] the input was cancelled before it was computed")),
           counters_.cancelled, outcomes);
  tell_unlocked(lock, std::move(outcomes));
}

/// Detaches the tickets whose deadline has passed, and returns their outcomes. If this removes ready jobs, more images
/// may be prepared; the preparing threads need no notification, because they wait until the earliest deadline.
std::vector<Outcome> Scheduler::expire() {
  std::vector<Outcome> outcomes;
  const Clock::time_point now = Clock::now();
  for (const std::shared_ptr<Ticket>& ticket : queue_.expired(now)) {
    const DeadlineExceeded error(fmt::format("[submit] the deadline passed after {:.3f} s in the queue",
                                             seconds_between(ticket->submitted, now)));
    fail_all({ticket}, std::make_exception_ptr(error), counters_.expired, outcomes);
  }
  return outcomes;
}

void Scheduler::fail_all(const std::vector<std::shared_ptr<Ticket>>& tickets, const std::exception_ptr& error,
                         std::int64_t& counter, std::vector<Outcome>& outcomes) {
  counter += static_cast<std::int64_t>(tickets.size());
  for (const std::shared_ptr<Ticket>& ticket : tickets) outcomes.push_back({ticket, {}, error});
}

/// Calls tell() while the mutex is unlocked. The outcomes and their tickets are also destroyed while it is unlocked.
void Scheduler::tell_unlocked(std::unique_lock<std::mutex>& lock, std::vector<Outcome> outcomes) {
  if (!outcomes.empty()) {
    ++telling_;
    lock.unlock();
    tell(std::move(outcomes));
    lock.lock();
    --telling_;
  }
  idle_.notify_all();
}

/// Computes one batch of ready jobs, or a text if none is ready. Returns whether more jobs are ready.
bool Scheduler::step() {
  std::unique_lock lock(mutex_);
  tell_unlocked(lock, expire());
  if (!queue_.has_ready()) {
    prepare_one_text(lock);
    tell_unlocked(lock, expire());  // the deadline may have passed during the preparation
  }
  if (!queue_.has_ready()) return false;
  const BatchPolicy::Chosen chosen = queue_.take_batch(policy_);
  if (queue_.has_waiting()) work_.notify_all();  // fewer jobs are ready, so more images may be prepared
  const Clock::time_point begin = Clock::now();
  count(chosen, begin);
  computing_ = true;
  lock.unlock();
  std::vector<Result> results = compute_all(worker_, chosen.batch.inputs());
  lock.lock();
  computing_ = false;
  counters_.compute_seconds += seconds_between(begin, Clock::now());
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < chosen.jobs.size(); ++i) {
    const embed::PreparedInput& input = chosen.batch.inputs()[i];
    finish(chosen.jobs[i], {std::move(results[i].vector), input.tokens(), input.fingerprint}, results[i].error, begin,
           outcomes);
  }
  tell_unlocked(lock, std::move(outcomes));
  return queue_.has_ready();
}

void Scheduler::count(const BatchPolicy::Chosen& chosen, Clock::time_point begin) {
  ++counters_.batches;
  counters_.inputs += static_cast<std::int64_t>(chosen.jobs.size());
  for (const embed::PreparedInput& input : chosen.batch.inputs()) counters_.tokens += input.tokens();
  for (const std::shared_ptr<Job>& job : chosen.jobs) {
    for (const std::shared_ptr<Ticket>& ticket : job->tickets)
      counters_.queue_seconds += seconds_between(ticket->submitted, begin);
  }
}

/// Ends a job whose batch began at `begin`: stores its vector in the cache and adds the outcomes of its tickets.
/// Tickets that joined it during the forward pass did not wait.
void Scheduler::finish(const std::shared_ptr<Job>& job, const EmbeddedInput& vector, const std::exception_ptr& error,
                       Clock::time_point begin, std::vector<Outcome>& outcomes) {
  const std::vector<std::shared_ptr<Ticket>> tickets = queue_.detach_all(*job);
  queue_.remove(job);
  if (error) return fail_all(tickets, error, counters_.failed, outcomes);
  if (job->key) cache_.add(*job->key, vector);
  counters_.done += static_cast<std::int64_t>(tickets.size());
  for (const std::shared_ptr<Ticket>& ticket : tickets) {
    outcomes.push_back({ticket, vector, nullptr});
    outcomes.back().vector.queue_seconds = std::max(0.0, seconds_between(ticket->submitted, begin));
  }
}

SubmitCounters Scheduler::counters() const {
  const std::lock_guard lock(mutex_);
  SubmitCounters counters = counters_;
  counters.queued = queue_.jobs();
  counters.ready = queue_.ready_jobs();
  counters.queued_tokens = queue_.size().tokens;
  counters.queued_bytes = queue_.size().bytes;
  counters.cached = static_cast<std::int64_t>(cache_.size());
  counters.cached_bytes = cache_.bytes();
  return counters;
}

void Scheduler::shutdown(Shutdown how) {
  std::vector<std::thread> preparers;
  {
    std::unique_lock lock(mutex_);
    closed_ = true;
    if (how == Shutdown::cancel) {
      std::vector<Outcome> outcomes;
      fail_all(queue_.waiting(), std::make_exception_ptr(Cancelled("[submit] the embedder was shut down")),
               counters_.cancelled, outcomes);
      tell_unlocked(lock, std::move(outcomes));
    }
    idle_.wait(lock, [this] { return queue_.jobs() == 0 && telling_ == 0; });
    stopped_ = true;
    preparers.swap(preparers_);
  }
  work_.notify_all();
  for (std::thread& thread : preparers) thread.join();
  compute_.set_step(nullptr);
}

}  // namespace e5v::scheduler
