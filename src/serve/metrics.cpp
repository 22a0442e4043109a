#include "serve/metrics.h"

#include <fmt/format.h>

#include "e5v/version.h"

namespace e5v::serve {
namespace {

/// Returns the value of a label with quotes, backslashes and line ends escaped.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

void begin(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

/// A counter of the scheduler. Each model has its own value.
struct ModelNumber {
  std::string_view name, type, help;
  double (*value)(const SubmitCounters& counters);
};

template <auto member>
double number(const SubmitCounters& counters) {
  return static_cast<double>(counters.*member);
}

constexpr ModelNumber kModelNumbers[] = {
    {"e5v_inputs_submitted_total", "counter", "Inputs that were taken into the queue",
     number<&SubmitCounters::submitted>},
    {"e5v_inputs_done_total", "counter", "Inputs that have their vector", number<&SubmitCounters::done>},
    {"e5v_inputs_failed_total", "counter", "Inputs that failed", number<&SubmitCounters::failed>},
    {"e5v_inputs_cancelled_total", "counter", "Inputs in the queue that were cancelled before they were computed",
     number<&SubmitCounters::cancelled>},
    {"e5v_inputs_expired_total", "counter", "Inputs whose deadline passed", number<&SubmitCounters::expired>},
    {"e5v_inputs_overloaded_total", "counter", "Inputs refused because the queue was full",
     number<&SubmitCounters::overloaded>},
    {"e5v_inputs_shared_total", "counter", "Inputs that shared the result of an identical one in flight",
     number<&SubmitCounters::shared>},
    {"e5v_cache_hits_total", "counter", "Inputs whose vector was cached", number<&SubmitCounters::cache_hits>},
    {"e5v_cache_misses_total", "counter", "Inputs whose vector was not cached", number<&SubmitCounters::cache_misses>},
    {"e5v_cache_vectors", "gauge", "Vectors in the cache", number<&SubmitCounters::cached>},
    {"e5v_cache_bytes", "gauge", "Bytes of the cache", number<&SubmitCounters::cached_bytes>},
    {"e5v_batches_total", "counter", "Forward passes", number<&SubmitCounters::batches>},
    {"e5v_batch_inputs_total", "counter", "Inputs in these passes", number<&SubmitCounters::inputs>},
    {"e5v_batch_tokens_total", "counter", "Tokens in these passes", number<&SubmitCounters::tokens>},
    {"e5v_compute_seconds_total", "counter", "Seconds spent in forward passes",
     number<&SubmitCounters::compute_seconds>},
    {"e5v_queue_seconds_total", "counter", "Seconds that computed inputs waited, summed",
     number<&SubmitCounters::queue_seconds>},
    {"e5v_queue_inputs", "gauge", "Inputs that wait or are computed", number<&SubmitCounters::queued>},
    {"e5v_queue_ready_inputs", "gauge", "Those of them that are prepared and wait for a forward pass",
     number<&SubmitCounters::ready>},
    {"e5v_queue_tokens", "gauge", "Tokens that wait or are computed", number<&SubmitCounters::queued_tokens>},
    {"e5v_queue_bytes", "gauge", "Bytes that wait or are computed", number<&SubmitCounters::queued_bytes>},
};

/// Appends a metric without labels.
template <class Number>
void append(std::string& out, std::string_view name, std::string_view kind, std::string_view help, Number value) {
  begin(out, name, kind, help);
  out += fmt::format("{} {}\n", name, value);
}

/// Appends what waits for room in the queues.
void append_held(std::string& out, const ModelSet& models) {
  const auto append_each = [&](std::string_view name, std::string_view help,
                               std::atomic<std::int64_t> ServedModel::Held::*number) {
    begin(out, name, "gauge", help);
    for (const std::shared_ptr<ServedModel>& model : models.all())
      out += fmt::format("{}{{model=\"{}\"}} {}\n", name, escaped(model->name), (model->held.get()->*number).load());
  };
  append_each("e5v_held_inputs", "Inputs of requests that wait for room in the queue", &ServedModel::Held::inputs);
  append_each("e5v_held_bytes", "Bytes of these inputs", &ServedModel::Held::bytes);
}

}  // namespace

std::string fetch_metrics(const http::FetchCounters& fetches) {
  std::string out;
  begin(out, "e5v_image_fetches_total", "counter", "Images that were fetched from URLs, by the problem that ended it");
  for (std::size_t i = 0; i < fetches.ended.size(); ++i)
    out += fmt::format("e5v_image_fetches_total{{problem=\"{}\"}} {}\n", http::kFetchProblemNames[i], fetches.ended[i]);
  append(out, "e5v_image_fetch_bytes_total", "counter", "Bytes of these images", fetches.bytes);
  append(out, "e5v_image_fetch_seconds_total", "counter", "Seconds that fetches took, summed", fetches.seconds);
  append(out, "e5v_image_fetches_active", "gauge", "Images that are being fetched", fetches.active);
  append(out, "e5v_image_fetches_waiting", "gauge", "Images that wait to be fetched", fetches.waiting);
  return out;
}

std::string memory_metrics(const tensor::Device& accelerator) {
  std::string out;
  append(out, "e5v_gpu_memory_bytes", "gauge", "Bytes of the memory of the GPU", accelerator.total_bytes());
  append(out, "e5v_gpu_memory_free_bytes", "gauge", "Bytes of its free memory", accelerator.free_bytes());
  return out;
}

void Metrics::count(std::string_view route, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++requests_[{std::string(route), status}];
  Latency& latency = latencies_[std::string(route)];
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    if (seconds <= kBounds[i]) ++latency.below[i];
  }
  ++latency.count;
  latency.sum += seconds;
}

std::string Metrics::text(const ModelSet& models, const Connections& connections) const {
  std::string out;
  begin(out, "e5v_build_info", "gauge", "The version of the server");
  out += fmt::format("e5v_build_info{{version=\"{}\"}} 1\n", E5V_VERSION);
  append(out, "e5v_connections", "gauge", "Connections that are open", connections.open);
  append(out, "e5v_connections_accepted_total", "counter", "Connections that were accepted", connections.accepted);
  append(out, "e5v_connections_refused_total", "counter", "Connections refused because too many were open",
         connections.refused);
  {
    const std::lock_guard lock(mutex_);
    begin(out, "e5v_requests_total", "counter", "Requests by route and status");
    for (const auto& [key, count] : requests_)
      out +=
          fmt::format("e5v_requests_total{{route=\"{}\",status=\"{}\"}} {}\n", escaped(key.first), key.second, count);
    begin(out, "e5v_request_seconds", "histogram",
          "Seconds from the first byte of a request to the last of its answer");
    for (const auto& [route, latency] : latencies_) {
      const std::string label = escaped(route);
      for (std::size_t i = 0; i < kBounds.size(); ++i)
        out += fmt::format("e5v_request_seconds_bucket{{route=\"{}\",le=\"{}\"}} {}\n", label, kBounds[i],
                           latency.below[i]);
      out += fmt::format(
          "e5v_request_seconds_bucket{{route=\"{0}\",le=\"+Inf\"}} {1}\ne5v_request_seconds_sum{{route=\"{0}\"}} {2}\n"
          "e5v_request_seconds_count{{route=\"{0}\"}} {1}\n",
          label, latency.count, latency.sum);
    }
  }
  std::vector<std::pair<std::string, SubmitCounters>> counters;
  for (const std::shared_ptr<ServedModel>& model : models.all())
    counters.emplace_back(escaped(model->name), model->embedder.counters());
  for (const ModelNumber& entry : kModelNumbers) {
    begin(out, entry.name, entry.type, entry.help);
    for (const auto& [name, numbers] : counters)
      out += fmt::format("{}{{model=\"{}\"}} {}\n", entry.name, name, entry.value(numbers));
  }
  append_held(out, models);
  if (tensor::has_device()) out += memory_metrics(tensor::device());
  return out;
}

}  // namespace e5v::serve
