#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace e5v::scheduler {

/// The order of the jobs of several clients, by start-time fair queueing with equal weights (Goyal, Vin and Cheng,
/// SIGCOMM 1996). Clients that wait get equal numbers of tokens, however many jobs each of them has submitted. The turn
/// of a job is its start tag, a virtual time in tokens. Jobs of one client keep their order, unless some are not
/// computed.
class FairTurns {
 public:
  /// Returns the turn of a client's next job.
  std::int64_t next(const std::string& client, std::int64_t tokens) {
    const auto known = ends_.find(client);
    const std::int64_t turn = known == ends_.end() ? now_ : std::max(now_, known->second);
    ends_[client] = turn + length_of(tokens);
    return turn;
  }

  /// Takes back the tokens of a client's job that is not computed, so that they do not delay the client's next job.
  void take_back(const std::string& client, std::int64_t tokens) {
    const auto known = ends_.find(client);
    if (known == ends_.end()) return;
    known->second -= length_of(tokens);
    if (known->second <= now_) ends_.erase(known);
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
  static std::int64_t length_of(std::int64_t tokens) { return std::max<std::int64_t>(1, tokens); }

  std::int64_t now_ = 0;
  std::map<std::string, std::int64_t> ends_;  // by client: the virtual time at which its last job ends
};

}  // namespace e5v::scheduler
