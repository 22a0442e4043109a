// Measures the cost of submitting inputs one by one: 64 captions and 4 photos through Embedder::submit() and through
// one stream, in alternating runs. With --alone, measures the time of single texts.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <future>
#include <sstream>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "e5v/e5v.h"
#include "image/decode.h"

namespace e5v::bench {
namespace {

constexpr int kCaptions = 64, kPhotos = 4;

/// Captions and photos, which differ from round to round.
struct Inputs {
  std::vector<Input> captions, photos;
};

Inputs inputs_of(int round) {
  Inputs inputs;
  for (int i = 0; i < kCaptions; ++i) {
    inputs.captions.push_back(
        Input::from_text(fmt::format("A photo of {} dogs that play with ball number {} on a beach.", i + 2, round)));
  }
  const std::string file = read_file(E5V_BENCH_PHOTO);
  const image::Bitmap bitmap = image::decode(std::as_bytes(std::span(file)), "photo");
  for (int i = 0; i < kPhotos; ++i) {
    Pixels pixels{bitmap.width, bitmap.height, bitmap.pixels};
    std::fill_n(pixels.rgb.begin(), 64, static_cast<std::uint8_t>(round * kPhotos + i));
    inputs.photos.push_back(Input::from_image(std::move(pixels)));
  }
  return inputs;
}

/// The order in which a stream needs the fewest batches.
std::vector<Input> captions_first(const Inputs& inputs) {
  std::vector<Input> list = inputs.captions;
  list.insert(list.end(), inputs.photos.begin(), inputs.photos.end());
  return list;
}

/// A photo after every 16 captions, as users might submit them.
std::vector<Input> mixed(const Inputs& inputs) {
  std::vector<Input> list;
  for (int i = 0; i < kCaptions; ++i) {
    list.push_back(inputs.captions[static_cast<std::size_t>(i)]);
    constexpr int kBetween = kCaptions / kPhotos;
    if (i % kBetween == kBetween - 1) list.push_back(inputs.photos[static_cast<std::size_t>(i / kBetween)]);
  }
  return list;
}

template <class Body>
double seconds_of(const Body& body) {
  const auto begin = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// The times of single texts, one after the other: the library's part of the latency of `e5v serve`.
void run_alone(const Embedder& embedder, const std::string& file) {
  std::vector<double> seconds;
  std::istringstream lines(read_file(file));
  for (std::string line; std::getline(lines, line);) {
    const Input input = Input::from_text(line);
    seconds.push_back(seconds_of([&] { embedder.embed({&input, 1}); }));
  }
  require(!seconds.empty(), "[{}] expected a text on each line, found none", file);
  std::ranges::sort(seconds);
  fmt::print("single texts: p50 {:.3f} ms, p95 {:.3f} ms of {}\n", 1e3 * seconds[seconds.size() / 2],
             1e3 * seconds[seconds.size() * 95 / 100], seconds.size());
}

void run(const std::filesystem::path& model, int rounds, int threads, const std::string& alone) {
  LoadOptions load{.threads = threads};
  load.queue.cache_bytes = 0;
  const Embedder embedder = Embedder::load(model, load);
  const std::vector<Input> warm = captions_first(inputs_of(0));
  embedder.embed(warm);
  if (!alone.empty()) return run_alone(embedder, alone);
  std::vector<double> streamed, submitted, ratios;
  for (int round = 1; round <= rounds; ++round) {
    const Inputs inputs = inputs_of(round);
    const std::vector<Input> list = captions_first(inputs), one_by_one = mixed(inputs);
    streamed.push_back(seconds_of([&] { embedder.embed(list); }));
    submitted.push_back(seconds_of([&] {
      std::vector<std::future<EmbeddedInput>> futures;
      for (const Input& input : one_by_one) futures.push_back(embedder.submit(input));
      for (auto& future : futures) future.get();
    }));
    ratios.push_back(streamed.back() / submitted.back());
    fmt::print("round {}: stream {:.3f} s, submitted {:.3f} s, {:.3f} of the stream's throughput\n", round,
               streamed.back(), submitted.back(), ratios.back());
  }
  const SubmitCounters counters = embedder.counters();
  fmt::print("median: stream {:.3f} s, submitted {:.3f} s, {:.3f} of the stream's throughput; {:.1f} batches a round\n",
             median(streamed), median(submitted), median(ratios),
             static_cast<double>(counters.batches) / static_cast<double>(rounds));
}

}  // namespace
}  // namespace e5v::bench

int main(int count, char** arguments) {
  e5v::let_threads_sleep(arguments);
  CLI::App app("64 captions and 4 photos through submit(), against one stream, in alternating runs");
  std::string model, alone;
  int rounds = 5, threads = 0;
  app.add_option("--model", model, "folder of the checkpoint")->required();
  app.add_option("--rounds", rounds, "runs of each")->check(CLI::Range(1, 1000));
  app.add_option("--threads", threads, "threads to compute with; otherwise one per core")->check(CLI::Range(1, 1024));
  app.add_option("--alone", alone, "measure the single texts of this file, one on each line, instead");
  CLI11_PARSE(app, count, arguments);
  try {
    e5v::bench::run(model, rounds, threads, alone);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_submit: {}\n", error.what());
    return 1;
  }
}
