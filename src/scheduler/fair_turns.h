#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace e5v::scheduler {

/// The order in which the jobs of several clients are computed, so that each gets its share of the tokens however many
/// it has submitted: start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) with equal weights. A job's turn is
/// a virtual time in tokens; jobs of one client keep their order.
class FairTurns {
 public:
  /// The turn of a client's next job.
  std::int64_t next(const std::string& client, std::int64_t tokens) {
    const auto known = ends_.find(client);
    const std::int64_t turn = known == ends_.end() ? now_ : std::max(now_, known->second);
    ends_[client] = turn + std::max<std::int64_t>(1, tokens);
    return turn;
  }

  /// Says that a job of this turn is computed. Clients that have had all their turns are forgotten.
  void reached(std::int64_t turn) {
    if (turn <= now_) return;
    now_ = turn;
    std::erase_if(ends_, [this](const auto& entry) { return entry.second <= now_; });
  }

  std::size_t clients() const { return ends_.size(); }

 private:
  std::int64_t now_ = 0;
  std::map<std::string, std::int64_t> ends_;  // when the last job of a client ends, by client
};

}  // namespace e5v::scheduler
