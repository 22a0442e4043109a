#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/message.h"
#include "serve/keys.h"
#include "serve/metrics.h"
#include "serve/model_set.h"
#include "serve/rate_limit.h"
#include "serve/route.h"

/// An embedding server: it reads HTTP requests in several dialects and responds with vectors.
namespace e5v::serve {

/// The options of a service.
struct ServiceOptions {
  std::filesystem::path key_file = {};
  std::vector<Keys::Key> keys = {};                ///< keys in addition to those of the file
  double requests_per_second = 0;                  ///< maximum for each client; 0 means no limit
  std::size_t body_bytes = std::size_t{64} << 20;  ///< maximum size of a request's body
  std::vector<std::string> origins = {};           ///< origins whose pages may call the server (CORS); "*" means all
  ImagePolicy images = {};
  std::shared_ptr<ServedLibrary> library = nullptr;  ///< the photos that the server shows; null: none
  /// Whether requests for photos without a key may name the server as they like (Route::personal).
  bool any_host = false;
  int max_connections = 4096;  ///< maximum number of open connections, which the HTTP server enforces
};

/// Answers requests with the vectors of models. Thread-safe.
class Service : public http::Handler {
 public:
  /// `log` receives a line of JSON for each request that has ended; null turns the log off. Throws InvalidInput if the
  /// keys cannot be read.
  Service(const ServiceOptions& options, std::function<void(const std::string& line)> log);

  /// Adds a model. Must be called before ready().
  void add(std::shared_ptr<ServedModel> model) { models_.add(std::move(model)); }
  /// Begins to answer requests. Before this call, routes get 503 unless their access is Access::open.
  void ready() { state_ = State::ready; }
  /// Refuses new requests with 503.
  void drain() { state_ = State::draining; }
  void reload_keys() { keys_.reload(); }
  /// Sets the function that returns the counters of connections for /metrics.
  void set_connections(std::function<Metrics::Connections()> connections) { connections_ = std::move(connections); }

  std::variant<http::BodyLimit, http::Response> admit(const http::Request& head) override;
  void handle(http::Request request, std::shared_ptr<http::Responder> responder) override;
  http::Response refuse(const http::Request& head, int status, std::string_view reason) override;
  void completed(const http::Completed& exchange) override;

 private:
  enum class State { loading, ready, draining };

  const Route* find(const http::Request& head) const;
  http::Response fail(const http::Request& head, const Fault& fault) const;
  Fault unavailable() const;
  std::optional<Fault> check(const http::Request& head, const Route& route);
  std::optional<std::string> key_of(const http::Request& head) const;
  void add_origin(const http::Request& head, http::Response& response) const;
  http::Response preflight(const http::Request& head) const;

  ServiceOptions options_;
  std::function<void(const std::string&)> log_;
  Keys keys_;
  RateLimit rate_limit_;
  ModelSet models_;
  Metrics metrics_;
  std::vector<Route> routes_;
  Context context_;
  std::function<Metrics::Connections()> connections_;
  std::atomic<State> state_ = State::loading;
};

}  // namespace e5v::serve
