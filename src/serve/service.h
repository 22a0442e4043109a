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

/// How a service treats its clients.
struct ServiceOptions {
  std::filesystem::path key_file = {};
  std::vector<Keys::Key> keys = {};                ///< beside those of the file
  double requests_per_second = 0;                  ///< of a client; 0: no limit
  std::size_t body_bytes = std::size_t{64} << 20;  ///< of a request
  std::vector<std::string> origins = {};           ///< that browsers may call from (CORS); "*": all
  ImagePolicy images = {};
};

/// Answers requests with the vectors of models. Safe to use from several threads.
class Service : public http::Handler {
 public:
  /// `log` is given a line of JSON for each request that has ended; null: none is made. Throws InvalidInput for keys
  /// that cannot be read.
  Service(const ServiceOptions& options, std::function<void(const std::string& line)> log);

  /// Adds a model; to be called before ready().
  void add(std::shared_ptr<ServedModel> model) { models_.add(std::move(model)); }
  /// From now on requests are answered; before, all but /health get 503.
  void ready() { state_ = State::ready; }
  /// From now on new requests get 503.
  void drain() { state_ = State::draining; }
  void reload_keys() { keys_.reload(); }
  /// Where /metrics finds the numbers of connections.
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
  std::string client_of(const http::Request& head) const;
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
