#include "scheduler/queue.h"

#include <algorithm>
#include <utility>

namespace e5v::scheduler {

Queue::~Queue() {
  for (const auto& [number, job] : jobs_) detach_all(*job);
}

bool Queue::has_room(const Size& size, const std::string& client) const {
  if (jobs_.empty()) return true;
  const auto fits = [&](const Size& held, double share) {
    return static_cast<double>(held.tokens + size.tokens) <= share * static_cast<double>(limits_.tokens) &&
           static_cast<double>(held.bytes + size.bytes + kTicketBytes) <= share * static_cast<double>(limits_.bytes);
  };
  const auto held = held_.find(client);
  return fits(size_, 1) && (held == held_.end() || fits(held->second, kClientsShare));
}

std::shared_ptr<Job> Queue::add(Request request, const Size& size) {
  auto job = std::make_shared<Job>();
  job->request = std::move(request);
  job->number = next_number_++;
  job->priority = job->request.options.priority;
  job->charged = size.tokens;
  job->turn = turns_.next(job->request.options.client, job->charged);
  job->image = !job->request.input.images.empty();
  resize(*job, size);
  jobs_.emplace(job->number, job);
  waiting_.of(*job).insert(job);
  return job;
}

void Queue::attach(const std::shared_ptr<Ticket>& ticket, const std::shared_ptr<Job>& job) {
  ticket->job = job;
  job->tickets.push_back(ticket);
  grow(ticket->options.client, {0, kTicketBytes});
  if (ticket->options.deadline) deadlines_.emplace(*ticket->options.deadline, ticket);
  if (ticket->options.priority <= job->priority) return;
  const bool waits = job->state == State::waiting, is_ready = job->state == State::ready;
  Lanes& lanes = waits ? waiting_ : ready_;
  if (waits || is_ready) lanes.of(*job).erase(job);
  job->priority = ticket->options.priority;
  if (waits || is_ready) lanes.of(*job).insert(job);
}

void Queue::detach(const std::shared_ptr<Ticket>& ticket) {
  const std::shared_ptr<Job> job = std::exchange(ticket->job, nullptr);
  forget_deadline(ticket);
  std::erase(job->tickets, ticket);
  grow(ticket->options.client, {0, -kTicketBytes});
  if (job->tickets.empty() && (job->state == State::waiting || job->state == State::ready)) remove(job);
}

std::vector<std::shared_ptr<Ticket>> Queue::detach_all(Job& job) {
  std::vector<std::shared_ptr<Ticket>> tickets = std::move(job.tickets);
  job.tickets.clear();
  for (const std::shared_ptr<Ticket>& ticket : tickets) {
    ticket->job = nullptr;
    forget_deadline(ticket);
    grow(ticket->options.client, {0, -kTicketBytes});
  }
  return tickets;
}

void Queue::set_key(const std::shared_ptr<Job>& job, const Hash128& key) {
  job->key = key;
  by_key_.emplace(key, job);
}

std::shared_ptr<Job> Queue::find(const Hash128& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

std::shared_ptr<Job> Queue::take_to_prepare(bool images) {
  const bool has_text = !waiting_.texts.empty(), has_image = images && !waiting_.images.empty();
  if (!has_text && !has_image) return nullptr;
  const bool image =
      has_image && (!has_text || (*waiting_.images.begin())->priority > (*waiting_.texts.begin())->priority);
  Lanes::Lane& lane = image ? waiting_.images : waiting_.texts;
  std::shared_ptr<Job> job = *lane.begin();
  lane.erase(lane.begin());
  job->state = State::preparing;
  return job;
}

void Queue::make_ready(const std::shared_ptr<Job>& job, embed::PreparedInput prepared) {
  job->prepared = std::move(prepared);
  job->request.input = {};  // no longer needed
  resize(*job, size_of(job->prepared));
  job->state = State::ready;
  ready_bytes_ += job->size.bytes;
  ready_.of(*job).insert(job);
}

BatchPolicy::Chosen Queue::take_batch(BatchPolicy& policy) {
  BatchPolicy::Chosen chosen = policy.next(ready_);
  for (const std::shared_ptr<Job>& job : chosen.jobs) {
    ready_bytes_ -= job->size.bytes;
    turns_.reached(job->turn);
  }
  return chosen;
}

void Queue::remove(const std::shared_ptr<Job>& job) {
  leave_lane(job);
  if (job->state != State::computing) turns_.take_back(job->request.options.client, job->charged);
  resize(*job, {0, 0});
  jobs_.erase(job->number);
  if (!job->key) return;
  const auto found = by_key_.find(*job->key);
  if (found != by_key_.end() && found->second == job) by_key_.erase(found);
}

std::vector<std::shared_ptr<Ticket>> Queue::expired(Clock::time_point now) {
  std::vector<std::shared_ptr<Ticket>> tickets;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const std::shared_ptr<Ticket> ticket = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    if (ticket->job->state == State::computing) continue;
    detach(ticket);
    tickets.push_back(ticket);
  }
  return tickets;
}

std::vector<std::shared_ptr<Ticket>> Queue::waiting() {
  std::vector<std::shared_ptr<Ticket>> tickets;
  for (auto place = jobs_.begin(); place != jobs_.end();) {
    const std::shared_ptr<Job> job = (place++)->second;
    if (job->state == State::computing) continue;
    std::ranges::move(detach_all(*job), std::back_inserter(tickets));
    if (job->state != State::preparing) remove(job);
  }
  return tickets;
}

std::optional<Clock::time_point> Queue::next_deadline() const {
  return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

/// Adds `more`, which may be negative, to the size of the queue and to the client's part of it.
void Queue::grow(const std::string& client, const Size& more) {
  size_.tokens += more.tokens;
  size_.bytes += more.bytes;
  if (client.empty()) return;
  Size& held = held_[client];
  held.tokens += more.tokens;
  held.bytes += more.bytes;
  if (held.tokens == 0 && held.bytes == 0) held_.erase(client);
}

void Queue::resize(Job& job, const Size& size) {
  const Size more{size.tokens - job.size.tokens, size.bytes - job.size.bytes};
  grow(job.request.options.client, more);
  if (job.state == State::ready) ready_bytes_ += more.bytes;
  job.size = size;
}

void Queue::forget_deadline(const std::shared_ptr<Ticket>& ticket) {
  if (ticket->options.deadline) deadlines_.erase({*ticket->options.deadline, ticket});
}

void Queue::leave_lane(const std::shared_ptr<Job>& job) {
  if (job->state == State::waiting) waiting_.of(*job).erase(job);
  if (job->state == State::ready) ready_.of(*job).erase(job);
}

}  // namespace e5v::scheduler
