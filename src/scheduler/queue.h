#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "e5v/options.h"
#include "scheduler/batch_policy.h"
#include "scheduler/fair_turns.h"
#include "scheduler/job.h"

namespace e5v::scheduler {

/// The jobs that have not ended and the tickets that wait for them, with their sizes and deadlines. Not thread-safe.
class Queue {
 public:
  /// The size of a ticket in the queue, in bytes.
  static constexpr std::int64_t kTicketBytes = 512;
  /// The maximum share of the queue for one client.
  static constexpr double kClientsShare = 0.75;

  explicit Queue(const QueueOptions& limits) : limits_(limits) {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  /// Detaches all tickets: they and their jobs own each other.
  ~Queue();

  /// Returns whether an input of this size may be added. An empty queue accepts any size. A client with a name may fill
  /// three quarters of the queue.
  bool has_room(const Size& size, const std::string& client = {}) const;

  /// Adds a job in the state `waiting`.
  std::shared_ptr<Job> add(Request request, const Size& size);
  /// Attaches a ticket to a job. The job gets at least the priority of the ticket.
  void attach(const std::shared_ptr<Ticket>& ticket, const std::shared_ptr<Job>& job);
  /// Detaches a ticket from its job. A job without tickets is removed, unless a thread prepares or computes it.
  void detach(const std::shared_ptr<Ticket>& ticket);
  /// Detaches and returns all tickets of a job.
  std::vector<std::shared_ptr<Ticket>> detach_all(Job& job);

  /// Sets the hash of a job's content, by which find() finds it.
  void set_key(const std::shared_ptr<Job>& job, const Hash128& key);
  /// Returns the job with this content, or null.
  std::shared_ptr<Job> find(const Hash128& key) const;
  /// Returns the next job to prepare and sets its state to `preparing`; null if there is none. `images` says whether
  /// the job may have an image.
  std::shared_ptr<Job> take_to_prepare(bool images);
  void make_ready(const std::shared_ptr<Job>& job, embed::PreparedInput prepared);
  /// Removes a job whose result is known.
  void remove(const std::shared_ptr<Job>& job);

  /// Detaches and returns the tickets whose deadline has passed and whose job is not being computed.
  std::vector<std::shared_ptr<Ticket>> expired(Clock::time_point now);
  /// Detaches and returns the tickets of all jobs that are not being computed.
  std::vector<std::shared_ptr<Ticket>> waiting();
  /// Returns the earliest deadline, or nothing if no ticket has one.
  std::optional<Clock::time_point> next_deadline() const;

  /// Removes and returns the jobs of the next batch. has_ready() must be true.
  BatchPolicy::Chosen take_batch(BatchPolicy& policy);
  bool has_ready() const { return !ready_.empty(); }
  bool has_waiting() const { return !waiting_.empty(); }
  bool has_waiting_text() const { return !waiting_.texts.empty(); }
  std::int64_t ready_jobs() const { return static_cast<std::int64_t>(ready_.texts.size() + ready_.images.size()); }
  const Size& size() const { return size_; }
  std::int64_t jobs() const { return static_cast<std::int64_t>(jobs_.size()); }
  /// Returns the total size of the ready jobs in bytes, without their tickets.
  std::int64_t ready_bytes() const { return ready_bytes_; }

 private:
  void grow(const std::string& client, const Size& more);
  void resize(Job& job, const Size& size);
  void leave_lane(const std::shared_ptr<Job>& job);
  void forget_deadline(const std::shared_ptr<Ticket>& ticket);

  QueueOptions limits_;
  std::uint64_t next_number_ = 0;
  Size size_;
  std::int64_t ready_bytes_ = 0;
  FairTurns turns_;
  std::map<std::string, Size> held_;  // by client
  Lanes waiting_, ready_;
  std::map<std::uint64_t, std::shared_ptr<Job>> jobs_;  // by number
  std::map<Hash128, std::shared_ptr<Job>> by_key_;
  std::set<std::pair<Clock::time_point, std::shared_ptr<Ticket>>> deadlines_;
};

}  // namespace e5v::scheduler
