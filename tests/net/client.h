#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace e5v::net {

/// A client that writes bytes as they are and reads what comes.
class Client {
 public:
  /// `address` is one of Server::addresses(): "http://127.0.0.1:PORT".
  explicit Client(const std::string& address) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

  void send(std::string_view bytes) { ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  /// What comes until there is `end` in it, the connection ends or five seconds are over. "<end>" stands for the end.
  std::string read(std::string_view end = "<end>") {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (seen_.find(end) == std::string::npos && std::chrono::steady_clock::now() < limit) {
      pollfd state{socket_, POLLIN, 0};
      if (::poll(&state, 1, 100) <= 0) continue;
      char bytes[65536];
      const ssize_t size = ::recv(socket_, bytes, sizeof bytes, 0);
      if (size <= 0) {
        seen_ += "<end>";
        break;
      }
      seen_.append(bytes, static_cast<std::size_t>(size));
    }
    const std::size_t at = seen_.find(end);
    const std::size_t taken = at == std::string::npos ? seen_.size() : at + end.size();
    std::string result = seen_.substr(0, taken);
    seen_.erase(0, taken);
    return result;
  }

 private:
  int socket_;
  std::string seen_;
};

}  // namespace e5v::net
