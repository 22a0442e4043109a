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
#include <chrono>
#include <exception>
#include <list>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "http/client_network.h"
#include "net/connection.h"
#include "net/listener.h"
#include "net/shared_limit.h"

namespace e5v::net {

namespace asio = boost::asio;
using boost::system::error_code;

/// The time before the next accept() if one has failed because there are no free descriptors or no memory.
constexpr std::chrono::milliseconds kAcceptAgain{50};

namespace {

/// Waits until a condition holds. Returns whether it holds in time.
template <class Condition>
bool wait_until(std::chrono::steady_clock::time_point end, Condition condition) {
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  struct Door {
    // One strand: a descriptor must not be closed while another thread begins to wait for it.
    Door(asio::io_context& io, Listener from)
        : listener(std::move(from)),
          descriptor(asio::make_strand(io), listener.socket),
          retry(descriptor.get_executor()) {}
    Listener listener;
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer retry;
  };

  struct Accepted {
    explicit Accepted(Share from) : share(std::move(from)) {}
    Share share;  // of the number of connections
    std::weak_ptr<Connection> connection;
  };

  Impl(const ServerOptions& given, http::Handler& handler)
      : options(given),
        io(std::make_shared<asio::io_context>()),
        shared(std::make_shared<Shared>(handler, given.limits)),
        open(std::make_shared<SharedLimit>(static_cast<std::size_t>(given.limits.connections))) {
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
    for (int i = 0; i < std::max(1, options.threads); ++i) {
      ++running;
      threads.emplace_back([this] { run(); });
    }
  }

  /// Handles connections until the server stops. An exception ends only its own request.
  void run() {
    for (bool again = true; again;) try {
        io->run();
        again = false;
      } catch (const std::exception& error) {
        log_warning("[server] {}", error.what());
      }
    --running;
  }

  void wait_for_connection(Door& door) {
    door.descriptor.async_wait(asio::posix::descriptor_base::wait_read, [this, &door](const error_code& error) {
      if (!error) accept_all(door);
    });
  }

  void accept_all(Door& door) {
    while (!shared->draining) {
      const int socket = ::accept4(door.listener.socket, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket >= 0) {
        serve_or_refuse(door, socket);
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return wait_for_connection(door);
      door.retry.expires_after(kAcceptAgain);
      return door.retry.async_wait([this, &door](const error_code& error) {
        if (!error) accept_all(door);
      });
    }
  }

  void serve_or_refuse(const Door& door, int socket) try {
    ++accepted;
    Share share(open, http::network_of(peer_address(socket)));
    if (!share.resize(1)) {
      ++refused;
      constexpr std::string_view kFull =
          "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
      [[maybe_unused]] const ssize_t sent = ::send(socket, kFull.data(), kFull.size(), MSG_NOSIGNAL);
      ::close(socket);
      return;
    }
    const int on = 1;
    if (!door.listener.is_unix) ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex);
    std::list<Accepted> one;
    const auto place = one.emplace(one.end(), std::move(share));
    place->connection = serve(socket, asio::make_strand(*io), door.listener.is_unix ? nullptr : tls, shared, io,
                              [self = shared_from_this(), place] { self->forget(place); });
    connections.splice(connections.end(), one);
  } catch (const std::exception& error) {
    log_warning("[server] a connection was not served: {}", error.what());
  }

  void forget(std::list<Accepted>::iterator place) {
    const std::lock_guard lock(mutex);
    connections.erase(place);
  }

  /// Calls a member function of each connection on the connection's executor.
  void for_each_connection(void (Connection::*function)()) {
    const std::lock_guard lock(mutex);
    for (const Accepted& one : connections) {
      const std::shared_ptr<Connection> connection = one.connection.lock();
      if (!connection) continue;
      asio::post(connection->executor(), [connection, function] { ((*connection).*function)(); });
    }
  }

  void close_doors() {
    for (Door& door : doors) {
      // The file is removed before the socket is closed. Otherwise it might be that of the next server.
      if (door.listener.is_unix && door.listener.is_ours) ::unlink(door.listener.address.substr(5).c_str());
      asio::post(door.descriptor.get_executor(), [&door] {
        error_code ignored;
        door.retry.cancel();
        door.descriptor.close(ignored);
      });
    }
  }

  /// Waits for the threads, and ends connections that stop() has left.
  void join() {
    for (std::thread& thread : threads) thread.join();
    threads.clear();
    if (open->used() == 0) return;
    io->restart();
    io->run_for(std::chrono::seconds(1));
  }

  const ServerOptions options;
  std::atomic<std::int64_t> accepted = 0, refused = 0;
  std::atomic<int> running = 0;
  std::shared_ptr<asio::io_context> io;
  std::shared_ptr<Shared> shared;
  std::shared_ptr<SharedLimit> open;  // counts connections
  std::list<Door> doors;
  std::vector<std::thread> threads;
  std::mutex mutex;  // protects the members below
  std::shared_ptr<TlsContext> tls;
  std::list<Accepted> connections;
};

Server::Server(const ServerOptions& options, http::Handler& handler)
    : impl_(std::make_shared<Impl>(options, handler)) {}

Server::~Server() {
  stop();
  impl_->join();
}

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
  return {static_cast<std::int64_t>(impl_->open->used()), impl_->accepted, impl_->refused};
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
  const bool all = wait_until(end, [this] { return impl_->shared->exchanges == 0 && impl_->open->used() == 0; });
  return all || impl_->shared->exchanges == 0;
}

bool Server::stop(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  if (!impl_->shared->draining.exchange(true)) impl_->close_doors();
  if (impl_->threads.empty()) return true;
  impl_->for_each_connection(&Connection::cut);
  wait_until(end - limit / 2, [this] { return impl_->open->used() == 0; });
  impl_->io->stop();
  if (!wait_until(end, [this] { return impl_->running == 0; })) return false;
  impl_->join();
  return true;
}

}  // namespace e5v::net
