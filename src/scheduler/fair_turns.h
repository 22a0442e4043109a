#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace e5v::scheduler {

/// The order of the jobs of several clients, by start-time fair queueing with equal weights (Goyal, Vin and Cheng,
/// SIGCOMM 1996). Clients that wait get equal numbers of tokens, however many jobs each of them has submitted. The turn
/// of a job is its start tag, a virtual time in tokens. Jobs of one client keep their order.
class FairTurns {
 public:
  /// Returns the turn of a client's next job.
  std::int64_t next(const std::string& client, std::int64_t tokens) {
    const auto known = ends_.find(client);
    const std::int64_t turn = known == ends_.end() ? now_ : std::max(now_, known->second);
    ends_[client] = turn + std::max<std::int64_t>(1, tokens);
    return turn;
  }

  /// Advances the virtual time to the turn of a job that is computed. Clients whose jobs have all ended before this
  /// time are removed.
  void reached(std::int64_t turn) {
    if (turn <= now_) return;
    now_ = turn;
    std::erase_if(ends_, [this](const auto& entry) { return entry.second <= now_; });
  }

  std::size_t clients() const { return ends_.size(); }

 private:
  std::int64_t now_ = 0;
  std::map<std::string, std::int64_t> ends_;  // by client: the virtual time at which its last job ends
};

}  // namespace e5v::scheduler
