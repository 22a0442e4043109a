#include "net/listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "base/error.h"

namespace e5v::net {
namespace {

constexpr int kBacklog = 1024;
constexpr std::string_view kUnix = "unix:";

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

std::string host_text(const sockaddr* address, socklen_t size) {
  std::array<char, NI_MAXHOST> host{};
  if (::getnameinfo(address, size, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "";
  return host.data();
}

int port_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::string address_of(int socket) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  require(::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) == 0, "[socket {}] {}", socket,
          system_error_text());
  if (bound.ss_family == AF_UNIX) return std::string(kUnix) + reinterpret_cast<const sockaddr_un&>(bound).sun_path;
  const std::string host = host_text(reinterpret_cast<const sockaddr*>(&bound), size);
  return bound.ss_family == AF_INET6 ? fmt::format("[{}]:{}", host, port_of(bound))
                                     : fmt::format("{}:{}", host, port_of(bound));
}

/// Returns whether a program listens on the Unix socket.
bool is_answered(const sockaddr_un& name) {
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

Listener listen_on_unix(const std::string& address) {
  const std::string path = address.substr(kUnix.size());
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  require(!path.empty() && path.size() < sizeof name.sun_path, "[{}] expected a path of 1 to {} bytes, found {}",
          address, sizeof name.sun_path - 1, path.size());
  std::memcpy(name.sun_path, path.data(), path.size());
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    require(S_ISSOCK(status.st_mode), "[{}] is a file that is no socket", address);
    require(!is_answered(name), "[{}] another program listens there", address);
    ::unlink(path.c_str());
  }
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const bool listens = socket.get() >= 0 &&
                       ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 &&
                       ::listen(socket.get(), kBacklog) == 0;
  require(listens, "[{}] cannot listen: {}", address, system_error_text());
  return {socket.release(), true, address, true};
}

/// Returns -1, with errno, if it cannot listen.
int listen_on(const addrinfo& info) {
  Descriptor socket(::socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return -1;
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (info.ai_family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const bool listens =
      ::bind(socket.get(), info.ai_addr, info.ai_addrlen) == 0 && ::listen(socket.get(), kBacklog) == 0;
  return listens ? socket.release() : -1;
}

/// Splits "HOST:PORT".
std::pair<std::string, std::string> host_and_port(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  require(colon != std::string::npos && colon > 0 && colon + 1 < address.size(),
          "[{}] expected HOST:PORT, [IPv6]:PORT or unix:PATH", address);
  std::string host = address.substr(0, colon), port = address.substr(colon + 1);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return {std::move(host), std::move(port)};
}

}  // namespace

std::vector<Listener> listen_on(const std::string& address) {
  if (address.starts_with(kUnix)) return {listen_on_unix(address)};
  const auto [host, port] = host_and_port(address);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  require(code == 0, "[{}] {}", address, ::gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, ::freeaddrinfo);
  return listen_on_all(found, address);
}

std::vector<Listener> listen_on_all(const addrinfo* list, const std::string& address) {
  std::vector<Listener> listeners;
  std::string problem;
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    const int socket = listen_on(*info);
    if (socket >= 0) {
      listeners.push_back({socket, false, address_of(socket)});
      continue;
    }
    const bool is_elsewhere = errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT;  // such as ::1 if IPv6 is off
    problem = system_error_text();
    if (is_elsewhere) continue;
    for (const Listener& listener : listeners) ::close(listener.socket);
    listeners.clear();
    break;
  }
  require(!listeners.empty(), "[{}] cannot listen: {}", address, problem);
  return listeners;
}

Listener adopt(int socket) {
  int listens = 0;
  socklen_t size = sizeof listens;
  const bool is_listener = ::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
  require(is_listener, "[socket {}] expected a socket that listens", socket);
  std::string address = address_of(socket);
  const bool is_unix = address.starts_with(kUnix);
  return {socket, is_unix, std::move(address)};
}

std::string peer_address(int socket) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return "";
  if (peer.ss_family == AF_UNIX) return "unix";
  return host_text(reinterpret_cast<const sockaddr*>(&peer), size);
}

}  // namespace e5v::net
