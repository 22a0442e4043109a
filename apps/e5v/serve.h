#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "e5v/options.h"
#include "net/server.h"
#include "serve/service.h"

namespace e5v::app {

/// The options of e5v serve.
struct ServeOptions {
  std::vector<std::string> models, adapters, names, image_hosts, image_networks;
  std::string prompts = "e5v";
  LoadOptions load;
  bool has_dtype = false;         ///< load.dtype was given
  std::filesystem::path library;  ///< the folder of a library whose photos are shown; empty: none
  net::ServerOptions server;
  serve::ServiceOptions service;
  std::string access_log = "-";
  std::int64_t body_mebibytes = 64, queue_mebibytes = 1024, cache_mebibytes = 64;
  int drain_seconds = 30, header_seconds = 10, body_seconds = 120, idle_seconds = 75, fetch_seconds = 20;
  bool open = false;
  /// Is called when the server is ready, with the addresses that it listens on.
  std::function<void(const std::vector<std::string>& addresses)> ready = nullptr;
};

/// Checks the options that need each other and converts their units. Throws CLI::ValidationError.
void complete(ServeOptions& options);

/// Serves until a signal ends it. Returns the exit code.
int run_serve(ServeOptions& options);

}  // namespace e5v::app
