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

/// The jobs that are under way and the tickets that wait for them: who waits where, what all of it counts, when it
/// expires. Not for several threads at once.
class Queue {
 public:
  /// What a ticket counts, in bytes.
  static constexpr std::int64_t kTicketBytes = 512;
  /// The share of the queue that one client may fill.
  static constexpr double kClientsShare = 0.75;

  explicit Queue(const QueueOptions& limits) : limits_(limits) {}

  /// Whether something of this size may come in: what is larger than the limits may when nothing else waits. A client
  /// that is named may fill three quarters.
  bool has_room(const Size& size, const std::string& client = {}) const;

  /// A new job, which waits to be prepared.
  std::shared_ptr<Job> add(Request request, const Size& size);
  /// Has a ticket wait for a job, which then is as urgent as the ticket.
  void attach(const std::shared_ptr<Ticket>& ticket, const std::shared_ptr<Job>& job);
  /// Takes a ticket from its job. A job that nobody waits for any more leaves the queue, unless a thread is at it.
  void detach(const std::shared_ptr<Ticket>& ticket);
  /// All tickets of a job.
  std::vector<std::shared_ptr<Ticket>> detach_all(Job& job);

  /// Makes a job known by its content.
  void set_key(const std::shared_ptr<Job>& job, const Hash128& key);
  /// The job of a content, or nothing.
  std::shared_ptr<Job> find(const Hash128& key) const;
  /// The next job to prepare, or nothing. `images`: whether it may have an image.
  std::shared_ptr<Job> take_to_prepare(bool images);
  void make_ready(const std::shared_ptr<Job>& job, embed::PreparedInput prepared);
  /// Takes a job out of the books, when it is known what becomes of it.
  void remove(const std::shared_ptr<Job>& job);

  /// Tickets whose deadline has passed before their job was computed, taken from their jobs.
  std::vector<std::shared_ptr<Ticket>> expired(Clock::time_point now);
  /// The tickets of all jobs that are not computed yet, taken from their jobs.
  std::vector<std::shared_ptr<Ticket>> waiting();
  /// When the next ticket expires; nothing when none does.
  std::optional<Clock::time_point> next_deadline() const;

  /// Takes the next batch out of what is ready, which must be something.
  BatchPolicy::Chosen take_batch(BatchPolicy& policy);
  bool has_ready() const { return !ready_.empty(); }
  const Size& size() const { return size_; }
  std::int64_t jobs() const { return static_cast<std::int64_t>(jobs_.size()); }
  /// Bytes of the jobs that are ready.
  std::int64_t ready_bytes() const { return ready_bytes_; }

 private:
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
