#include "serve/watching.h"

#include "e5v/version.h"
#include "serve/dialects/openai.h"

namespace e5v::serve {
namespace {

void answer_health(Exchange exchange) { exchange.responder->send(json_response({{"status", "ok"}})); }

void answer_metrics(Exchange exchange) {
  exchange.responder->send({.type = "text/plain; version=0.0.4; charset=utf-8", .body = exchange.context.metrics()});
}

void answer_version(Exchange exchange) { exchange.responder->send(json_response({{"version", E5V_VERSION}})); }

}  // namespace

std::vector<Route> watching_routes() {
  return {
      {.method = "GET",
       .path = "/health",
       .answer = answer_health,
       .error = openai_error,
       .access = Access::open,
       .summary = "Says that the server runs",
       .response_schema = "Status"},
      {.method = "GET",
       .path = "/ping",
       .answer = answer_health,
       .error = openai_error,
       .access = Access::open,
       .summary = "The same as /health",
       .response_schema = "Status"},
      {.method = "GET",
       .path = "/ready",
       .answer = answer_health,
       .error = openai_error,
       .access = Access::ready,
       .summary = "Says that the server answers requests; 503 while it loads its models or shuts down",
       .response_schema = "Status"},
      {.method = "GET",
       .path = "/metrics",
       .answer = answer_metrics,
       .error = openai_error,
       .summary = "Counters in Prometheus' text format",
       .response_type = "text/plain"},
      {.method = "GET",
       .path = "/version",
       .answer = answer_version,
       .error = openai_error,
       .access = Access::open,
       .summary = "The version of the server",
       .response_schema = "Status"},
  };
}

}  // namespace e5v::serve
