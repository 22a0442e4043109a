#include "net/shared_limit.h"

#include <utility>

namespace e5v::net {

bool SharedLimit::take(const std::string& client, std::size_t amount) {
  if (amount == 0) return true;
  const std::lock_guard lock(mutex_);
  const auto known = of_client_.find(client);
  const std::size_t has = known == of_client_.end() ? 0 : known->second;
  const std::size_t most = client == "unix" ? limit_ : limit_ - limit_ / 4;
  if (amount > limit_ - used_ || amount > most - has) return false;
  used_ += amount;
  of_client_[client] = has + amount;
  return true;
}

void SharedLimit::give_back(const std::string& client, std::size_t amount) {
  if (amount == 0) return;
  const std::lock_guard lock(mutex_);
  used_ -= amount;
  const auto known = of_client_.find(client);
  known->second -= amount;
  if (known->second == 0) of_client_.erase(known);
}

std::size_t SharedLimit::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

Share::Share(Share&& other) noexcept
    : limit_(std::move(other.limit_)),
      client_(std::move(other.client_)),
      amount_(std::exchange(other.amount_, std::size_t{0})) {}

bool Share::resize(std::size_t amount) {
  if (amount > amount_ && !limit_->take(client_, amount - amount_)) return false;
  if (amount < amount_) limit_->give_back(client_, amount_ - amount);
  amount_ = amount;
  return true;
}

}  // namespace e5v::net
