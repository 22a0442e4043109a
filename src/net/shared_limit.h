#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace e5v::net {

/// A number of bytes or connections that clients share. One client gets at most three quarters of it, so that others
/// are served, too. Clients of Unix sockets have no addresses, so this does not apply to the client "unix".
/// Thread-safe.
class SharedLimit {
 public:
  explicit SharedLimit(std::size_t limit) : limit_(limit) {}
  SharedLimit(const SharedLimit&) = delete;
  SharedLimit& operator=(const SharedLimit&) = delete;

  /// Takes an amount for a client. Returns false and takes nothing if that would exceed a limit.
  bool take(const std::string& client, std::size_t amount);
  void give_back(const std::string& client, std::size_t amount);
  std::size_t used() const;

 private:
  const std::size_t limit_;
  mutable std::mutex mutex_;  // protects the members below
  std::size_t used_ = 0;
  std::map<std::string, std::size_t> of_client_;  // amounts that are not 0
};

/// The amount that one owner has taken from a SharedLimit. The destructor gives it back.
class Share {
 public:
  Share(std::shared_ptr<SharedLimit> limit, std::string client)
      : limit_(std::move(limit)), client_(std::move(client)) {}
  Share(Share&& other) noexcept;
  Share& operator=(Share&&) = delete;
  ~Share() { resize(0); }

  /// Changes the amount. Returns false and changes nothing if a larger amount would exceed a limit.
  bool resize(std::size_t amount);
  std::size_t amount() const { return amount_; }

 private:
  std::shared_ptr<SharedLimit> limit_;
  std::string client_;
  std::size_t amount_ = 0;
};

}  // namespace e5v::net
