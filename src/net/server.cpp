#include "net/server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <list>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "net/connection.h"
#include "net/listener.h"

namespace e5v::net {

namespace asio = boost::asio;
using boost::system::error_code;

/// The time before the next accept() if one has failed because there are no free descriptors or no memory.
constexpr std::chrono::milliseconds kAcceptAgain{50};

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  struct Door {
    Door(asio::io_context& io, Listener from) : listener(std::move(from)), descriptor(io, listener.socket), retry(io) {}
    Listener listener;
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer retry;
  };

  Impl(const ServerOptions& given, http::Handler& handler)
      : options(given),
        io(std::make_shared<asio::io_context>()),
        shared(std::make_shared<Shared>(handler, given.limits)) {
    if (!options.certificate.empty()) tls = make_tls_context(options.certificate, options.key);
    for (const std::string& address : options.listen) {
      for (Listener& listener : listen_on(address)) add(std::move(listener));
    }
    for (const int socket : options.sockets) add(adopt(socket));
    require(!doors.empty(), "[server] expected an address to listen on");
  }

  void add(Listener listener) {
    ::fcntl(listener.socket, F_SETFL, ::fcntl(listener.socket, F_GETFL) | O_NONBLOCK);
    doors.emplace_back(*io, std::move(listener));
  }

  void start() {
    for (Door& door : doors) wait_for_connection(door);
    for (int i = 0; i < std::max(1, options.threads); ++i) threads.emplace_back([context = io] { context->run(); });
  }

  void wait_for_connection(Door& door) {
    door.descriptor.async_wait(asio::posix::descriptor_base::wait_read, [this, &door](const error_code& error) {
      if (!error && !shared->draining) accept_all(door);
    });
  }

  void accept_all(Door& door) {
    for (;;) {
      const int socket = ::accept4(door.listener.socket, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket >= 0) {
        serve_or_refuse(door, socket);
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return wait_for_connection(door);
      door.retry.expires_after(kAcceptAgain);
      return door.retry.async_wait([this, &door](const error_code& error) {
        if (!error && !shared->draining) accept_all(door);
      });
    }
  }

  void serve_or_refuse(const Door& door, int socket) {
    ++counters.accepted;
    if (counters.open >= options.limits.connections) {
      ++counters.refused;
      constexpr std::string_view kFull =
          "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
      [[maybe_unused]] const ssize_t sent = ::send(socket, kFull.data(), kFull.size(), MSG_NOSIGNAL);
      ::close(socket);
      return;
    }
    ++counters.open;
    std::shared_ptr<TlsContext> context;
    if (!door.listener.is_unix) {
      const int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const std::lock_guard lock(mutex);
      context = tls;
    }
    const std::lock_guard lock(mutex);
    const auto place = connections.emplace(connections.end());
    *place = serve(socket, asio::make_strand(*io), std::move(context), shared, io,
                   [self = shared_from_this(), place] { self->forget(place); });
  }

  void forget(std::list<std::weak_ptr<Connection>>::iterator place) {
    const std::lock_guard lock(mutex);
    connections.erase(place);
    --counters.open;
  }

  /// Calls a member function of each connection on the connection's executor.
  void for_each_connection(void (Connection::*function)()) {
    const std::lock_guard lock(mutex);
    for (const std::weak_ptr<Connection>& weak : connections) {
      const std::shared_ptr<Connection> connection = weak.lock();
      if (!connection) continue;
      asio::post(connection->executor(), [connection, function] { ((*connection).*function)(); });
    }
  }

  void close_doors() {
    for (Door& door : doors) {
      asio::post(*io, [&door] {
        error_code ignored;
        door.descriptor.close(ignored);
      });
      if (door.listener.is_unix) ::unlink(door.listener.address.substr(5).c_str());
    }
  }

  const ServerOptions options;
  struct {
    std::atomic<std::int64_t> open = 0, accepted = 0, refused = 0;
  } counters;
  std::shared_ptr<asio::io_context> io;
  std::shared_ptr<Shared> shared;
  std::list<Door> doors;
  std::vector<std::thread> threads;
  std::mutex mutex;  // protects the members below
  std::shared_ptr<TlsContext> tls;
  std::list<std::weak_ptr<Connection>> connections;
};

Server::Server(const ServerOptions& options, http::Handler& handler)
    : impl_(std::make_shared<Impl>(options, handler)) {}

Server::~Server() { stop(); }

void Server::start() { impl_->start(); }

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> addresses;
  for (const Impl::Door& door : impl_->doors) {
    const char* scheme = door.listener.is_unix ? "" : impl_->options.certificate.empty() ? "http://" : "https://";
    addresses.push_back(scheme + door.listener.address);
  }
  return addresses;
}

ConnectionCounters Server::connections() const {
  return {impl_->counters.open, impl_->counters.accepted, impl_->counters.refused};
}

void Server::reload_certificate() {
  if (impl_->options.certificate.empty()) return;
  std::shared_ptr<TlsContext> context = make_tls_context(impl_->options.certificate, impl_->options.key);
  const std::lock_guard lock(impl_->mutex);
  impl_->tls = std::move(context);
}

bool Server::drain(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  impl_->shared->draining = true;
  impl_->close_doors();
  impl_->for_each_connection(&Connection::close_if_idle);
  while (impl_->shared->exchanges > 0 || impl_->counters.open > 0) {
    if (std::chrono::steady_clock::now() >= end) return impl_->shared->exchanges == 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

void Server::stop() {
  if (impl_->threads.empty()) return;
  if (!impl_->shared->draining.exchange(true)) impl_->close_doors();
  impl_->for_each_connection(&Connection::cut);
  while (impl_->counters.open > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  impl_->io->stop();
  for (std::thread& thread : impl_->threads) thread.join();
  impl_->threads.clear();
}

}  // namespace e5v::net
