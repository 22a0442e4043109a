#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "commands.h"
#include "net/curl_fetcher.h"
#include "net/server.h"
#include "net/systemd.h"
#include "options.h"
#include "serve/service.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;

struct ServeOptions {
  std::vector<std::string> models, adapters, names, image_hosts, image_networks;
  std::string prompts = "e5v";
  LoadOptions load;
  net::ServerOptions server;
  serve::ServiceOptions service;
  std::string access_log = "-";
  std::int64_t body_mebibytes = 64, queue_mebibytes = 1024, cache_mebibytes = 64;
  int drain_seconds = 30, header_seconds = 10, body_seconds = 120, idle_seconds = 75, fetch_seconds = 20;
  bool open = false;
};

/// "NAME=DIR" in its parts; a folder alone gives its own name.
std::pair<std::string, fs::path> split(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    const fs::path folder = fs::path(text).lexically_normal();
    return {(folder.has_filename() ? folder.filename() : folder.parent_path().filename()).string(), text};
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// The models that the options name: the folders, and the first of them with each adapter.
std::vector<serve::ModelSpec> specs_of(const ServeOptions& options) {
  std::vector<serve::ModelSpec> specs;
  const serve::PromptSet prompts = serve::PromptSet::named(options.prompts);
  for (const std::string& text : options.models) {
    auto [name, folder] = split(text);
    specs.push_back({{std::move(name)}, std::move(folder), options.load, prompts});
  }
  if (!options.names.empty()) specs.front().names = options.names;
  for (const std::string& text : options.adapters) {
    auto [name, folder] = split(text);
    serve::ModelSpec spec{{std::move(name)}, specs.front().folder, options.load, prompts};
    spec.load.adapter = std::move(folder);
    specs.push_back(std::move(spec));
  }
  for (std::size_t i = 0; i < specs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      require(specs[i].names.front() != specs[j].names.front(), "[{}] two models have this name; expected NAME=DIR",
              specs[i].names.front());
  }
  return specs;
}

/// Whether only programs of this machine reach an address that a server listens on.
bool is_local(const std::string& address) {
  const std::string_view place = std::string_view(address).substr(address.find("//") + 2);  // none in "unix:/path"
  return address.starts_with("unix:") || place.starts_with("127.") || place.starts_with("[::1]:");
}

/// Throws InvalidInput when other machines could use the server without a key. It looks at the addresses that are
/// bound, so names and the sockets of systemd count, too.
void check_exposure(const ServeOptions& options, const net::Server& server) {
  const bool keys = !options.service.key_file.empty() || !options.service.keys.empty();
  if (keys || options.open) return;
  for (const std::string& address : server.addresses()) {
    require(is_local(address),
            "[{}] other machines could use this server without a key: give --key-file, or --open to allow that",
            address);
  }
}

/// What fetches images from the hosts that the options allow; null when they allow none.
std::unique_ptr<net::CurlFetcher> fetcher_of(const ServeOptions& options) {
  if (options.image_hosts.empty()) return nullptr;
  net::FetchOptions fetch;
  fetch.hosts = net::HostList(options.image_hosts);
  std::vector<net::Network> networks;
  for (const std::string& network : options.image_networks) networks.emplace_back(network);
  fetch.may_connect = net::public_or_in(std::move(networks));
  fetch.time = std::chrono::seconds(options.fetch_seconds);
  return std::make_unique<net::CurlFetcher>(std::move(fetch));
}

/// Lines of the access log, to a file or standard output.
class AccessLog {
 public:
  explicit AccessLog(const std::string& name)
      : file_(name == "-"      ? stdout
              : name == "none" ? nullptr
                               : std::fopen(name.c_str(), "a")) {
    require(file_ != nullptr || name == "none", "[{}] cannot be written: {}", name, system_error_text());
  }
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  ~AccessLog() {
    if (file_ != nullptr && file_ != stdout) std::fclose(file_);
  }
  std::function<void(const std::string&)> writer() {
    if (file_ == nullptr) return nullptr;
    return [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      std::fwrite((line + "\n").data(), 1, line.size() + 1, file_);
      std::fflush(file_);
    };
  }

 private:
  std::FILE* file_;
  std::mutex mutex_;
};

sigset_t server_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

/// Keys and certificates are read again; what cannot be read leaves the old ones.
void reload(serve::Service& service, net::Server& server) {
  try {
    service.reload_keys();
    server.reload_certificate();
    tell("e5v: keys and certificate were read again\n");
  } catch (const Error& error) {
    tell("e5v: {}; the old ones stay\n", error.what());
  }
}

/// The signals of a server, which one thread waits for: all others are started with them blocked, or a signal could end
/// the process through one of them. Before ready(), a signal ends the process at once; then the first one ends
/// wait_for_end(), and the second one the process.
class ServerSignals {
 public:
  /// To be made before any thread is started. `reload` is called at SIGHUP.
  explicit ServerSignals(std::function<void()> reload) : reload_(std::move(reload)), signals_(server_signals()) {
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    std::thread([this] { watch(); }).detach();  // it lives as long as the process
  }
  void ready() { ready_ = true; }
  int wait_for_end() { return end_.get_future().get(); }

 private:
  void watch() {
    for (bool ending = false;;) {
      int signal = 0;
      ::sigwait(&signals_, &signal);
      if (signal == SIGHUP) {
        if (ready_ && !ending) reload_();
      } else if (!ready_ || ending) {
        ::_exit(128 + signal);
      } else {
        ending = true;
        end_.set_value(signal);
      }
    }
  }

  const std::function<void()> reload_;
  const sigset_t signals_;
  std::atomic<bool> ready_ = false;
  std::promise<int> end_;
};

int run_serve(ServeOptions& options) {
  if (const char* key = std::getenv("E5V_API_KEY"); key != nullptr && *key != '\0')
    options.service.keys.push_back({"E5V_API_KEY", key});
  options.server.sockets = net::systemd_sockets();
  if (options.server.listen.empty() && options.server.sockets.empty()) options.server.listen = {"127.0.0.1:8080"};
  const std::vector<serve::ModelSpec> specs = specs_of(options);
  AccessLog log(options.access_log);
  const std::unique_ptr<net::CurlFetcher> fetcher = fetcher_of(options);
  options.service.images.fetcher = fetcher.get();
  serve::Service service(options.service, log.writer());
  net::Server server(options.server, service);
  check_exposure(options, server);
  // Its thread outlives this function, so it stays until the process ends.
  ServerSignals& signals = *new ServerSignals([&] { reload(service, server); });
  service.set_connections([&server] {
    const net::ConnectionCounters counters = server.connections();
    return serve::Metrics::Connections{counters.open, counters.accepted, counters.refused};
  });
  server.start();
  for (const serve::ModelSpec& spec : specs) service.add(serve::load(spec));
  service.ready();
  signals.ready();
  net::tell_systemd("READY=1");
  tell("e5v: serving {} at {}\n", specs.front().names.front(), fmt::join(server.addresses(), ", "));
  const int signal = signals.wait_for_end();
  net::tell_systemd("STOPPING=1");
  service.drain();
  const bool all = server.drain(std::chrono::seconds(options.drain_seconds));
  server.stop();
  tell("e5v: ended after signal {}{}\n", signal,
       all ? "; all requests were answered" : "; some requests had no answer in time");
  return all ? kSuccess : kFailure;
}

constexpr const char* kServeDescription =
    "serve models over HTTP, in the dialects of today's clients\n"
    "\n"
    "The server answers the clients of OpenAI, vLLM, Cohere, Text Embeddings Inference, llama.cpp, Jina, SGLang and "
    "infinity. docs/serving.md says what to write for each. By default, only programs of this machine can reach it.";

constexpr const char* kServeFooter =
    "Keys: --key-file names a file with a key on each line, \"NAME SECRET\". The environment variable E5V_API_KEY "
    "holds one more key. If the server can be reached from other machines, it does not start without a key, unless "
    "--open is given. Without keys, everybody who reaches the server may use it.\n"
    "\n"
    "Images from URLs: by default, the server fetches nothing. With --allow-image-host, it fetches images from that "
    "host if its address is public or in an --allow-image-network. An image may have as many bytes as a request "
    "(--max-body).\n"
    "\n"
    "Signals: SIGTERM and SIGINT end the server after the requests that it has accepted; a second one ends it at once. "
    "SIGHUP has it read keys and certificate again.\n"
    "\n"
    "Exit codes: 0 ended after all answers; 1 failed; 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  e5v serve --model e5-v\n"
    "  e5v serve --model e5-v --adapter shop=run/adapter --key-file keys --listen 0.0.0.0:8080\n"
    "  curl localhost:8080/v1/embeddings -H 'Content-Type: application/json' -d '{\"input\": \"a cat\"}'";

}  // namespace

Run add_serve(CLI::App& app) {
  const auto options = std::make_shared<ServeOptions>();
  CLI::App* command = app.add_subcommand("serve", kServeDescription)->footer(kServeFooter);
  ServeOptions& o = *options;
  const auto append = [](std::vector<std::string>& list) {
    return [&list](const std::string& value) { list.push_back(value); };
  };
  add_table(*command,
            {{"--model", repeated(append(o.models), "DIR").required(),
              "a folder of a checkpoint, or NAME=DIR with the name for clients; may be given many times"},
             {"--served-model-name", repeated(append(o.names), "NAME"),
              "a name of the first model for clients; may be given many times", "the name of its folder"},
             {"--adapter", repeated(append(o.adapters), "NAME"),
              "a LoRA adapter on the first model, as NAME=DIR: the name for clients and the folder; may be given many "
              "times"},
             {"--prompts", choice(o.prompts, {"e5v", "mteb"}, "SET"),
              "the prompts of inputs that name none: those of e5v embed, or those of mteb's wrapper of E5-V"}});
  add_load_options(*command, o.load);
  add_table(
      *command,
      {{"--listen", repeated(append(o.server.listen), "ADDRESS"),
        "an address to listen on: HOST:PORT, [IPv6]:PORT or unix:PATH; may be given many times", "127.0.0.1:8080"},
       {"--tls-certificate", path(o.server.certificate, "FILE"),
        "the certificate chain in PEM; TCP connections are then TLS"},
       {"--tls-key", path(o.server.key, "FILE"), "the private key of the certificate in PEM"},
       {"--key-file", path(o.service.key_file, "FILE"), "the file of the keys that clients may have"},
       {"--open", flag(o.open), "allow other machines to use the server without a key"},
       {"--allow-origin", repeated(append(o.service.origins), "ORIGIN"),
        "an origin whose pages may call the server from a browser, or *; may be given many times"},
       {"--allow-image-host", repeated(append(o.image_hosts), "HOST"),
        "a host from which the server may fetch images that requests give as URLs: a name such as images.example.org, "
        "*.example.org for all names below example.org, or HOST:PORT; may be given many times",
        "URLs are refused"},
       {"--allow-image-network", repeated(append(o.image_networks), "NETWORK"),
        "a network, such as 10.1.0.0/16, in which such a host may be although its addresses are not public; may be "
        "given many times"},
       {"--fetch-seconds", whole(o.fetch_seconds, 1, 3600), "the time for an image to be fetched"},
       {"--rate", real(o.service.requests_per_second, 0.0, 1e9),
        "the number of requests that a client may send each second; 0 is no limit"},
       {"--max-body", whole(o.body_mebibytes, 1, 1 << 20), "the maximum size of a request in MiB"},
       {"--max-connections", whole(o.server.limits.connections, 1, 1'000'000), "the maximum number of connections"},
       {"--header-seconds", whole(o.header_seconds, 1, 86400), "the time for the header of a request to arrive"},
       {"--body-seconds", whole(o.body_seconds, 1, 86400), "the time for the body of a request to arrive"},
       {"--idle-seconds", whole(o.idle_seconds, 1, 86400), "the time that a connection may wait for its next request"},
       {"--queue-tokens", whole(o.load.queue.tokens, 1),
        "the maximum number of tokens of the inputs of a model that wait or are being computed; further requests get "
        "status 429"},
       {"--queue-size", whole(o.queue_mebibytes, 1, 1 << 20),
        "the maximum size in MiB of the inputs of a model that wait or are being computed; further requests get "
        "status 429"},
       {"--cache", whole(o.cache_mebibytes, 0, 1 << 20), "the size of the cache of vectors in MiB; 0 is none"},
       {"--io-threads", whole(o.server.threads, 1, 256), "the number of threads that read and write"},
       {"--drain-seconds", whole(o.drain_seconds, 0, 86400), "the time for accepted requests after SIGTERM"},
       {"--access-log", text(o.access_log, "FILE"),
        "the file of the access log, JSON Lines; - is standard output, none is no log"}});
  command->callback([command, options] {
    ServeOptions& given = *options;
    if (given.server.certificate.empty() != given.server.key.empty())
      throw CLI::ValidationError("--tls-certificate and --tls-key", "need each other");
    if (given.image_hosts.empty() && !given.image_networks.empty())
      throw CLI::ValidationError("--allow-image-network", "needs --allow-image-host");
    given.service.body_bytes = static_cast<std::size_t>(given.body_mebibytes) << 20;
    given.service.images.max_bytes = given.service.body_bytes;
    given.load.queue.bytes = given.queue_mebibytes << 20;
    given.load.queue.cache_bytes = given.cache_mebibytes << 20;
    given.server.limits.header_time = std::chrono::seconds(given.header_seconds);
    given.server.limits.body_time = std::chrono::seconds(given.body_seconds);
    given.server.limits.idle_time = std::chrono::seconds(given.idle_seconds);
  });
  return [options] { return run_serve(*options); };
}

}  // namespace e5v::app
