#include "serve.h"

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

#include "access_log.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "commands.h"
#include "net/curl_fetcher.h"
#include "net/descriptor_limit.h"
#include "net/systemd.h"
#include "options.h"
#include "serve/library/served_library.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;

/// Splits "NAME=DIR". If there is only a folder, its name is the name.
std::pair<std::string, fs::path> name_and_folder(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    const fs::path folder = fs::path(text).lexically_normal();
    return {(folder.has_filename() ? folder.filename() : folder.parent_path().filename()).string(), text};
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// The model of a library, with the options that its vectors depend on, except for --dtype if it is given. A folder
/// that is only called "model" is named with the one that it is in.
serve::ModelSpec spec_of(const library::ModelRecord& record, const ServeOptions& options) {
  std::string name = name_and_folder(record.folder.string()).first;
  if (name == "model") name = (record.folder.parent_path().filename() / name).string();
  serve::ModelSpec spec{{std::move(name)}, record.folder, options.load, serve::PromptSet::named(options.prompts)};
  if (!options.has_dtype) spec.load.dtype = record.load.dtype;
  spec.load.adapter = record.load.adapter;
  return spec;
}

/// The models of the options: each folder, and the first folder with each adapter. Without a folder, the model is that
/// of the library.
std::vector<serve::ModelSpec> specs_of(const ServeOptions& options) {
  std::vector<serve::ModelSpec> specs;
  const serve::PromptSet prompts = serve::PromptSet::named(options.prompts);
  if (options.models.empty()) specs.push_back(spec_of(options.service.library->reader().model(), options));
  for (const std::string& text : options.models) {
    auto [name, folder] = name_and_folder(text);
    specs.push_back({{std::move(name)}, std::move(folder), options.load, prompts});
  }
  if (!options.names.empty()) specs.front().names = options.names;
  for (const std::string& text : options.adapters) {
    auto [name, folder] = name_and_folder(text);
    serve::ModelSpec spec{{std::move(name)}, specs.front().folder, options.load, prompts};
    spec.load.adapter = std::move(folder);
    specs.push_back(std::move(spec));
  }
  for (std::size_t i = 0; i < specs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      require(specs[i].names.front() != specs[j].names.front(), "[{}] two models have this name; expected NAME=DIR",
              specs[i].names.front());
    for (const std::string& name : specs[i].names)
      require(is_valid_utf8(name), "[{}] expected a name in UTF-8; give NAME=DIR", in_quotes(name));
  }
  return specs;
}

/// Whether only programs of this machine reach an address that a server listens on.
bool is_local(const std::string& address) {
  const std::string_view place = std::string_view(address).substr(address.find("//") + 2);  // none in "unix:/path"
  return address.starts_with("unix:") || place.starts_with("127.") || place.starts_with("[::1]:");
}

/// Throws InvalidInput when other machines could use the server without a key. It checks the bound addresses, so host
/// names and the sockets of systemd are included.
void check_exposure(const ServeOptions& options, const net::Server& server) {
  const bool keys = !options.service.key_file.empty() || !options.service.keys.empty();
  if (keys || options.open) return;
  for (const std::string& address : server.addresses()) {
    require(is_local(address),
            "[{}] other machines could use this server without a key: give --key-file, or --open to allow that",
            address);
  }
}

/// The memory for the bodies of all requests must hold some of the largest ones.
std::size_t memory_of_bodies(const ServeOptions& options) { return 4 * options.service.body_bytes; }

/// What fetches images from the hosts that the options allow; null when they allow none.
std::unique_ptr<net::CurlFetcher> fetcher_of(const ServeOptions& options) {
  if (options.image_hosts.empty()) return nullptr;
  net::FetchOptions fetch;
  fetch.hosts = net::HostList(options.image_hosts);
  std::vector<net::Network> networks;
  for (const std::string& network : options.image_networks) networks.emplace_back(network);
  fetch.may_connect = net::public_or_in(std::move(networks));
  fetch.time = std::chrono::seconds(options.fetch_seconds);
  fetch.held_bytes = std::max(fetch.held_bytes, memory_of_bodies(options));
  return std::make_unique<net::CurlFetcher>(std::move(fetch));
}

/// Lowers a number of connections to what the limit of open files allows, and says so.
void fit_connections(int& connections) {
  const int possible = net::fit_descriptors(connections);
  if (possible < connections)
    tell("e5v: only {} connections are possible at a time, because the limit of open files is too low\n", possible);
  connections = possible;
}

sigset_t server_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

/// Reads one of the things that SIGHUP has the server read. If it cannot be read, the old one stays in use.
void read_again(const char* name, const std::function<void()>& read) {
  try {
    read();
    tell("e5v: the {} was read again\n", name);
  } catch (const std::exception& error) {
    tell("e5v: {}; the old {} stays in use\n", error.what(), name);
  }
}

/// Blocks the signals of a server in this thread and in those that it starts, because otherwise the kernel could
/// deliver a signal to one of these and end the process. They wait for ServerSignals.
void block_signals() {
  const sigset_t signals = server_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

/// The signals of a server, which all threads must block. One thread waits for them. SIGHUP has the server read keys
/// and certificate again; before ready(), this is done by ready(). Before ready(), another signal ends the process at
/// once. After it, wait_for_end() returns at the first signal, and the second one ends the process.
class ServerSignals {
 public:
  /// Threads that were started before must block the signals. `reload` is called after SIGHUP.
  explicit ServerSignals(std::function<void()> reload) : reload_(std::move(reload)), signals_(server_signals()) {
    std::thread([this] { watch(); }).detach();  // it lives as long as the process
  }
  void ready() {
    const std::lock_guard lock(mutex_);
    ready_ = true;
    if (again_) reload_();
  }
  int wait_for_end() { return end_.get_future().get(); }

 private:
  void hang_up() {
    const std::lock_guard lock(mutex_);
    if (ready_) reload_();
    again_ = !ready_;
  }
  void watch() {
    for (bool ending = false;;) {
      int signal = 0;
      ::sigwait(&signals_, &signal);
      if (signal == SIGHUP) {
        if (!ending) hang_up();
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
  std::mutex mutex_;  // serialises ready() and hang_up()
  std::atomic<bool> ready_ = false;
  bool again_ = false;
  std::promise<int> end_;
};

/// Loads the models. The first one is that of the library.
void add_models_to(serve::Service& service, const std::vector<serve::ModelSpec>& specs, serve::ServedLibrary* library) {
  for (const serve::ModelSpec& spec : specs) {
    const std::shared_ptr<serve::ServedModel> model = serve::load(spec);
    if (library != nullptr && library->model() == nullptr) library->set_model(model, spec.load);
    service.add(model);
  }
}

}  // namespace

int run_serve(ServeOptions& options) {
  block_signals();
  if (!options.library.empty()) options.service.library = std::make_shared<serve::ServedLibrary>(options.library);
  options.service.any_host = options.open;
  if (const char* key = std::getenv("E5V_API_KEY"); key != nullptr && *key != '\0')
    options.service.keys.push_back({"E5V_API_KEY", key});
  options.server.sockets = net::systemd_sockets();
  if (options.server.listen.empty() && options.server.sockets.empty()) options.server.listen = {"127.0.0.1:8080"};
  const std::vector<serve::ModelSpec> specs = specs_of(options);
  AccessLog log(options.access_log);
  const std::unique_ptr<net::CurlFetcher> fetcher = fetcher_of(options);
  options.service.images.fetcher = fetcher.get();
  fit_connections(options.server.limits.connections);
  options.service.max_connections = options.server.limits.connections;
  serve::Service service(options.service, log.writer());
  net::Server server(options.server, service);
  check_exposure(options, server);
  // Its thread outlives this function, so it stays until the process ends.
  ServerSignals& signals = *new ServerSignals([&] {
    if (!options.service.key_file.empty()) read_again("key file", [&] { service.reload_keys(); });
    if (!options.server.certificate.empty()) read_again("certificate", [&] { server.reload_certificate(); });
  });
  service.set_connections([&server] {
    const net::ConnectionCounters counters = server.connections();
    return serve::Metrics::Connections{counters.open, counters.accepted, counters.refused};
  });
  server.start();
  add_models_to(service, specs, options.service.library.get());
  signals.ready();  // before anybody can use a key that is no longer in the file
  service.ready();
  net::tell_systemd("READY=1");
  if (options.ready) {
    options.ready(server.addresses());
  } else {
    tell("e5v: serving {} at {}\n", specs.front().names.front(), fmt::join(server.addresses(), ", "));
    if (!options.library.empty()) tell("e5v: the photos are at {}/library\n", server.addresses().front());
  }
  const int signal = signals.wait_for_end();
  net::tell_systemd("STOPPING=1");
  service.drain();
  const bool all = server.drain(std::chrono::seconds(options.drain_seconds));
  const bool stopped = server.stop();
  tell("e5v: ended after signal {}{}\n", signal,
       all ? "; all requests were answered" : "; some requests had no answer in time");
  if (!stopped) std::_Exit(kFailure);  // a thread still works on a request and uses the objects of this function
  return all ? kSuccess : kFailure;
}

namespace {

constexpr const char* kServeDescription =
    "serve models over HTTP, with the APIs of OpenAI, vLLM, Cohere and others\n"
    "\n"
    "The server offers the embedding APIs of OpenAI, vLLM, Cohere, Text Embeddings Inference, llama.cpp, Jina, SGLang "
    "and infinity, so clients of these need only another address (docs/serving.md). By default, only programs of this "
    "machine can reach it.";

constexpr const char* kServeFooter =
    "Keys: --key-file names a file with a key on each line, \"NAME SECRET\" or a secret alone. The environment "
    "variable "
    "E5V_API_KEY contains one more secret. Clients send the secret as \"Authorization: Bearer SECRET\", \"x-api-key: "
    "SECRET\" or \"api-key: SECRET\". If the server can be reached from other machines, it does not start without a "
    "key, unless --open is "
    "given. Without keys, every client that can reach the server can use it.\n"
    "\n"
    "Images from URLs: by default, the server fetches nothing. With --allow-image-host, it fetches images from that "
    "host if its address is public or in an --allow-image-network. All images that are fetched for a "
    "request may together have as many bytes as a request (--max-body).\n"
    "\n"
    "Photos: with --library, everybody who can use the server can see the photos of the library. Without a key, the "
    "photos are shown only under the address of the server or localhost, unless --open is given.\n"
    "\n"
    "Signals: after SIGTERM or SIGINT, the server answers the requests that it has accepted, for at most "
    "--drain-seconds, and ends. A second signal ends it at once. After SIGHUP, it reads keys and certificate again.\n"
    "\n"
    "Exit codes: 0 all accepted requests were answered; 1 failure, or some requests were not answered within "
    "--drain-seconds; 2 wrong usage; 130 or 143 a signal before the models were loaded, or a second signal.\n"
    "\n"
    "Examples:\n"
    "  e5v serve --model e5-v\n"
    "  e5v serve --library ~/.local/share/e5v/library\n"
    "  e5v serve --model e5-v --adapter shop=run/adapter --key-file keys --listen 0.0.0.0:8080\n"
    "  curl localhost:8080/v1/embeddings -H 'Content-Type: application/json' -d '{\"input\": \"a cat\"}'";

OptionField appended_to(std::vector<std::string>& list, const char* type) {
  return repeated([&list](const std::string& value) { list.push_back(value); }, type);
}

void add_models(CLI::App& command, ServeOptions& o) {
  add_table(
      command,
      {{"--model", appended_to(o.models, "DIR"),
        "the folder of a checkpoint, or NAME=DIR with the name for clients; this option can be given several times",
        "the model of --library"},
       {"--library", path(o.library, "DIR"),
        "the folder of a library that e5v index has made: the page /library shows its photos and searches them with "
        "the first model",
        "no photos are shown"},
       {"--served-model-name", appended_to(o.names, "NAME"),
        "a name of the first model for clients, in place of the NAME of --model; this option can be given several "
        "times",
        "the NAME of --model, or the name of its folder"},
       {"--adapter", appended_to(o.adapters, "NAME=DIR"),
        "a LoRA adapter on the first model: the name for clients and the folder; this option can be given several "
        "times"},
       {"--prompts", choice(o.prompts, {"e5v", "mteb"}, "SET"),
        "the prompts of inputs without a prompt: e5v (as in e5v embed) or mteb (composed queries get mteb-query)"}});
  add_load_options(command, o.load);
  command.get_option("--dtype")->default_str("auto; without --model, that of the library");
}

void add_network(CLI::App& command, ServeOptions& o) {
  add_table(
      command,
      {{"--listen", appended_to(o.server.listen, "ADDRESS"),
        "an address to listen on: HOST:PORT, [IPv6]:PORT or unix:PATH; this option can be given several times",
        "127.0.0.1:8080"},
       {"--tls-certificate", path(o.server.certificate, "FILE"),
        "the certificate chain in PEM; with it, TCP connections use TLS"},
       {"--tls-key", path(o.server.key, "FILE"), "the private key of the certificate in PEM"},
       {"--key-file", path(o.service.key_file, "FILE"), "the file of keys (see below)"},
       {"--open", flag(o.open), "allow other machines to use the server without a key"},
       {"--allow-origin", appended_to(o.service.origins, "ORIGIN"),
        "an origin whose pages may call the server from a browser, or * for all; this option can be given several "
        "times"},
       {"--allow-image-host", appended_to(o.image_hosts, "HOST"),
        "a host from which the server may fetch images that requests give as URLs: a name such as images.example.org, "
        "*.example.org for all names below example.org, or HOST:PORT; this option can be given several times",
        "URLs are refused"},
       {"--allow-image-network", appended_to(o.image_networks, "NETWORK"),
        "a network, such as 10.1.0.0/16, in which such a host may be although its addresses are not public; this "
        "option can be given several times"},
       {"--fetch-seconds", whole(o.fetch_seconds, 1, 3600), "the maximum time in seconds for fetching an image"}});
}

void add_limits_and_log(CLI::App& command, ServeOptions& o) {
  add_table(
      command,
      {{"--rate", real(o.service.requests_per_second, 0.0, 1e9),
        "the maximum number of requests per second of each client; 0 means no limit"},
       {"--max-body", whole(o.body_mebibytes, 1, 1 << 20), "the maximum size of a request in MiB"},
       {"--max-connections", whole(o.server.limits.connections, 1, 1'000'000), "the maximum number of connections"},
       {"--header-seconds", whole(o.header_seconds, 1, 86400),
        "the maximum time in seconds for receiving the header of a request"},
       {"--body-seconds", whole(o.body_seconds, 1, 86400),
        "the maximum time in seconds for receiving the body of a request"},
       {"--idle-seconds", whole(o.idle_seconds, 1, 86400),
        "the maximum time in seconds between two requests of a connection"},
       {"--queue-tokens", whole(o.load.queue.tokens, 1),
        "the maximum number of tokens of the inputs of a model that wait or are being computed; further requests get "
        "status 429"},
       {"--queue-size", whole(o.queue_mebibytes, 1, 1 << 20),
        "the maximum size in MiB of the inputs of a model that wait or are being computed; further requests get "
        "status 429"},
       {"--cache", whole(o.cache_mebibytes, 0, 1 << 20), "the size of the cache of vectors in MiB; 0 turns it off"},
       {"--io-threads", whole(o.server.threads, 1, 256),
        "the number of threads that read requests and write responses"},
       {"--drain-seconds", whole(o.drain_seconds, 0, 86400),
        "the maximum time in seconds for answering accepted requests after SIGTERM or SIGINT"},
       {"--access-log", text(o.access_log, "FILE"),
        "the file of the access log (JSON Lines); - means standard output, and none turns the log off"}});
}

}  // namespace

void complete(ServeOptions& options) {
  if (options.server.certificate.empty() != options.server.key.empty())
    throw CLI::ValidationError("--tls-certificate and --tls-key", "need each other");
  if (options.image_hosts.empty() && !options.image_networks.empty())
    throw CLI::ValidationError("--allow-image-network", "needs --allow-image-host");
  options.service.body_bytes = static_cast<std::size_t>(options.body_mebibytes) << 20;
  options.service.images.max_bytes = options.service.body_bytes;
  options.load.queue.bytes = options.queue_mebibytes << 20;
  options.load.queue.cache_bytes = options.cache_mebibytes << 20;
  options.server.limits.bodies_bytes = std::max(options.server.limits.bodies_bytes, memory_of_bodies(options));
  options.server.limits.header_time = std::chrono::seconds(options.header_seconds);
  options.server.limits.body_time = std::chrono::seconds(options.body_seconds);
  options.server.limits.idle_time = std::chrono::seconds(options.idle_seconds);
}

Run add_serve(CLI::App& app) {
  const auto options = std::make_shared<ServeOptions>();
  CLI::App* command = app.add_subcommand("serve", kServeDescription)->footer(kServeFooter);
  add_models(*command, *options);
  add_network(*command, *options);
  add_limits_and_log(*command, *options);
  command->callback([options, command] {
    if (options->models.empty() && options->library.empty()) throw CLI::RequiredError("--model or --library");
    if (options->models.empty() && !options->adapters.empty()) throw CLI::ValidationError("--adapter", "needs --model");
    options->has_dtype = command->count("--dtype") > 0;
    complete(*options);
  });
  return [options] { return run_serve(*options); };
}

}  // namespace e5v::app
