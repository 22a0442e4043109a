#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

namespace e5v::net {

/// A client that writes bytes as they are and reads what comes.
class Client {
 public:
  /// `address` is one of Server::addresses(): "http://127.0.0.1:PORT". `must_connect` is false if the server may have
  /// ended, and `own_address` is that of the client.
  explicit Client(const std::string& address, bool must_connect = true, in_addr_t own_address = INADDR_LOOPBACK)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(own_address);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    name.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool connected = ::connect(socket_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
    EXPECT_TRUE(connected || !must_connect);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

  void send(std::string_view bytes) { ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  /// Reads this number of bytes, and waits after each MiB.
  std::size_t read_slowly(std::size_t size, std::chrono::milliseconds pause) {
    std::string bytes(std::size_t{1} << 20, '\0');
    std::size_t all = 0;
    while (all < size) {
      const ssize_t got = ::recv(socket_, bytes.data(), std::min(bytes.size(), size - all), MSG_WAITALL);
      if (got <= 0) break;
      all += static_cast<std::size_t>(got);
      std::this_thread::sleep_for(pause);
    }
    return all;
  }
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
