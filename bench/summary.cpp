// The figures of `make bench`: whole workloads as shares of the GEMM peak. The same run measures the peak between the
// workloads, because machines are noisy and their clocks change.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "base/file.h"
#include "base/parallel.h"
#include "clock.h"
#include "gemm_peak.h"
#include "machine.h"
#include "ops/accelerator.h"
#include "workloads.h"

namespace e5v::bench {
namespace {

const std::vector<std::string> kWorkloads{"prefill", "image", "captions", "prompts", "train", "retrieval"};

/// A variant to measure: the precision of the model, and the stored form of its weights.
struct Variant {
  const char* name;
  nn::Precision precision;
  tensor::DType stored;
  tensor::WeightFormat format = tensor::WeightFormat::plain;
};
constexpr std::array kVariants{
    Variant{"f32", nn::Precision::f32, tensor::DType::f32},
    Variant{"bf16", nn::Precision::bf16, tensor::DType::bf16},
    Variant{"fp8", nn::Precision::fp8, tensor::DType::bf16},
    Variant{"int8", nn::Precision::int8, tensor::DType::bf16, tensor::WeightFormat::int8},
    Variant{"int4", nn::Precision::bf16, tensor::DType::bf16, tensor::WeightFormat::int4},
    Variant{"int4_in_bytes", nn::Precision::int8, tensor::DType::bf16, tensor::WeightFormat::int4}};

struct Options {
  bool quick = false;
  std::string device = "cpu";
  std::int64_t layers = 4;
  std::optional<std::int64_t> pairs;
  double seconds = 540;
  int threads = 0;
  std::vector<std::string> dtypes, workloads = kWorkloads;
  std::string output = "build/bench.json";

  bool want(const char* workload) const { return std::ranges::find(workloads, workload) != workloads.end(); }
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// A workload and its measurements.
struct Series {
  Workload workload;
  std::vector<double> seconds;
  std::vector<double> shares;  ///< of the larger one of the peaks before and after

  double rate() const { return workload.items / median(seconds); }
  double gflops() const { return 1e-9 * workload.flops / median(seconds); }
};

/// Whether it computes anything here that no other variant computes.
bool is_of_its_own(const Variant& variant, tensor::Place place) {
  if (place == tensor::Place::device) return variant.format == tensor::WeightFormat::plain;
  if (variant.precision == nn::Precision::fp8) return false;
  return variant.precision != nn::Precision::int8 ||
         nn::arithmetic_for(variant.precision, variant.format) == ops::Arithmetic::int8;
}

/// The variants of models to measure; none when only other workloads are wanted.
std::vector<Variant> wanted_variants(const Options& options, tensor::Place place) {
  std::vector<Variant> variants;
  if (options.workloads == std::vector<std::string>{"retrieval"}) return variants;
  for (const Variant& variant : kVariants) {
    const bool named = std::ranges::find(options.dtypes, variant.name) != options.dtypes.end();
    if (options.dtypes.empty() ? is_of_its_own(variant, place) : named) variants.push_back(variant);
  }
  return variants;
}

/// Quantised models compute images like plain ones.
std::vector<Series> make_series(BenchModel& model, const Variant& variant, const Options& options) {
  std::vector<Series> all;
  const bool images = variant.format == tensor::WeightFormat::plain;
  // The ratio of prompts needs the workload of a single image.
  if (options.want("prefill")) all.push_back({prefill(model, options.quick), {}, {}});
  if (images && (options.want("image") || options.want("prompts"))) all.push_back({image(model), {}, {}});
  if (options.want("captions")) all.push_back({captions(model), {}, {}});
  if (options.want("train")) all.push_back({train_step(model, options.pairs), {}, {}});
  if (images && options.want("prompts")) all.push_back({prompts(model), {}, {}});
  return all;
}

/// The milliseconds from a JPEG file to tiles, on one thread, as during the compute.
double prepare_photo(BenchModel& model) {
  constexpr int kRuns = 9;
  const int threads = thread_count();
  set_thread_count(1);
  std::vector<double> milliseconds;
  for (int run = 0; run < kRuns; ++run) {
    const auto begin = Clock::now();
    model.preparer().prepare(Input::from_image(photo()));
    milliseconds.push_back(1e3 * seconds_since(begin));
  }
  set_thread_count(threads);
  return median(milliseconds);
}

/// Rounds of peak, workload, peak, workload, ... until the time is over; at least one round.
void measure(std::vector<Series>& all, GemmPeak& peak, double seconds) {
  const auto begin = Clock::now();
  double longest = 0;
  do {
    const auto round = Clock::now();
    double before = peak.measure();
    for (Series& series : all) {
      const auto start = Clock::now();
      series.workload.run();
      if (tensor::has_device()) tensor::device().synchronize();
      series.seconds.push_back(seconds_since(start));
      const double after = peak.measure();
      series.shares.push_back(1e-9 * series.workload.flops / series.seconds.back() / std::max(before, after));
      before = after;
    }
    longest = std::max(longest, seconds_since(round));
  } while (seconds_since(begin) + longest < seconds);
}

/// One measured variant. Its workloads cannot run any more.
struct Measured {
  std::string type;
  ops::Arithmetic arithmetic;
  std::string kernel;
  std::vector<Series> all;
  double photo_ms = 0;
};

Measured measure_variant(const Variant& variant, const Options& options, double seconds, GemmPeak& peak,
                         tensor::Place place) {
  BenchModel model(bench_config(options.quick, options.layers), variant.stored, variant.format, variant.precision,
                   place);
  Measured result{variant.name, nn::arithmetic_for(variant.precision, variant.format, place),
                  model.model().language_model().kernel(), make_series(model, variant, options), prepare_photo(model)};
  measure(result.all, peak, seconds);
  return result;
}

std::string arithmetic_text(const Measured& measured) {
  if (measured.arithmetic == ops::Arithmetic::bf16) return "bf16 instructions";
  if (measured.arithmetic == ops::Arithmetic::fp8) return "8-bit floats";
  if (measured.arithmetic == ops::Arithmetic::int8) return "whole numbers";
  if (measured.type == "f32") return "f32";
  return "f32 over expanded weights: the CPU has no bf16 instructions, so the peak is the f32 GEMM's";
}

/// All figures of one variant. Their names contain its type.
void add_figures(const Measured& measured, const GemmPeak& peak, Json& report) {
  Json& figures = report["figures"];
  Json& details = report["details"][measured.type];
  const std::string& type = measured.type;
  details["arithmetic"] = arithmetic_text(measured);
  details["peak"] = peak.description();
  details["kernel"] = measured.kernel;
  figures["gemm_peak_gflops_" + type] = peak.best();
  figures["photo_prepare_ms"] = measured.photo_ms;
  double one_prompt = 0;
  for (const Series& series : measured.all) {
    const std::string& name = series.workload.name;
    details[name] = {{"seconds", series.seconds},
                     {"flops", series.workload.flops},
                     {"gflops", series.gflops()},
                     {"shares_of_neighbouring_peaks", series.shares}};
    if (name == "image") one_prompt = median(series.seconds);
    if (name == "prompts") {
      details["eight_prompts_one_image"] = median(series.seconds) / one_prompt;
      figures["eight_prompts_one_image"] =
          details["eight_prompts_one_image"];  // of the last type, which is the narrowest
      continue;
    }
    figures[fmt::format("{}_{}_share", name, type)] = series.gflops() / peak.best();
    figures[fmt::format("{}_{}_{}_per_second", name, type, series.workload.unit)] = series.rate();
  }
}

/// Ranking has no type, because the CPU decides what it multiplies.
void measure_retrieval(const Options& options, std::map<ops::Arithmetic, GemmPeak>& peaks, Json& report) {
  fmt::print(stderr, "bench: retrieval\n");
  const ops::Arithmetic arithmetic = nn::arithmetic_for(nn::Precision::int8, tensor::WeightFormat::int8);
  GemmPeak& peak = peaks.try_emplace(arithmetic, arithmetic, options.quick).first->second;
  std::vector<Series> all{{retrieval(options.quick), {}, {}}};
  constexpr double kSeconds = 20;
  measure(all, peak, options.quick ? 0 : std::min(options.seconds, kSeconds));
  const Series& series = all.front();
  report["figures"]["retrieval_seconds"] = median(series.seconds);
  report["figures"]["retrieval_share"] = series.gflops() / peak.best();
  report["details"]["retrieval"] = {
      {"arithmetic", arithmetic == ops::Arithmetic::int8 ? "whole numbers, sums in double" : "f32, sums in double"},
      {"peak", peak.description()},
      {"seconds", series.seconds},
      {"flops", series.workload.flops}};
}

/// figures[name] = the quotient of two figures, if both were measured.
void add_ratio(Json& figures, const char* name, const char* over, const char* under) {
  if (!figures.contains(over) || !figures.contains(under)) return;
  figures[name] = figures[over].get<double>() / figures[under].get<double>();
}

void print(const Json& report) {
  const Json& machine = report["machine"];
  fmt::print("{}, {}, {} threads, {}, oneDNN {}, commit {}\n\n", machine["device"].get<std::string>(),
             machine["processor"].get<std::string>(), machine["threads"].get<int>(),
             machine["instruction_set"].get<std::string>(), machine["onednn"].get<std::string>(),
             machine["commit"].get<std::string>());
  for (const auto& [name, value] : report["figures"].items())
    fmt::print("{:<36} {:>10.3f}\n", name, value.get<double>());
  for (const auto& [type, details] : report["details"].items()) {
    fmt::print("\n{}: {}; peak by {}", type, details["arithmetic"].get<std::string>(),
               details["peak"].get<std::string>());
  }
  fmt::print("\n");
}

void run(const Options& options) {
  set_thread_count(options.threads);
  const tensor::Place place = ops::open_device(options.device);
  const std::vector<Variant> variants = wanted_variants(options, place);
  const model::ModelConfig config = bench_config(options.quick, options.layers);
  Json machine = machine_json();
  machine["device"] = ops::device_name(place);
  Json report{{"machine", machine},
              {"settings", {{"language_layers", config.text.layers}, {"quick", options.quick}}},
              {"figures", Json::object()},
              {"details", Json::object()}};
  std::map<ops::Arithmetic, GemmPeak> peaks;  // types with the same arithmetic have the same peak
  std::vector<Measured> measured;
  for (const Variant& variant : variants) {
    fmt::print(stderr, "bench: {}\n", variant.name);
    const ops::Arithmetic arithmetic = nn::arithmetic_for(variant.precision, variant.format, place);
    GemmPeak& peak = peaks.try_emplace(arithmetic, arithmetic, options.quick, place).first->second;
    const double seconds = options.quick ? 0 : options.seconds / static_cast<double>(variants.size());
    measured.push_back(measure_variant(variant, options, seconds, peak, place));
  }
  for (const Measured& each : measured) add_figures(each, peaks.at(each.arithmetic), report);
  if (options.want("retrieval") && place == tensor::Place::host) measure_retrieval(options, peaks, report);
  add_ratio(report["figures"], "captions_int8_vs_bf16", "captions_int8_captions_per_second",
            "captions_bf16_captions_per_second");
  Json& figures = report["figures"];
  if (figures.contains("train_bf16_share")) figures["train_share"] = figures["train_bf16_share"];
  print(report);
  if (options.output.empty()) return;
  write_file_atomically(options.output, report.dump(2) + "\n");
  fmt::print("written to {}\n", options.output);
}

}  // namespace
}  // namespace e5v::bench

int main(int argc, char** argv) {
  using namespace e5v::bench;
  Options options;
  CLI::App app("Whole workloads as shares of this machine's GEMM peak, on random weights of E5-V's shape (4 layers)");
  app.add_flag("--quick", options.quick, "use a tiny model and one round, which only shows that everything runs");
  app.add_option("--seconds", options.seconds, "time of the measurement in seconds; each type gets at least one round")
      ->capture_default_str();
  app.add_option("--device", options.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--pairs", options.pairs, "pairs of a training step; by default as many as suit the device")
      ->check(CLI::PositiveNumber);
  app.add_option("--layers", options.layers, "layers of the language model; all 32 of E5-V take 16 GB in bf16")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--threads", options.threads, "threads; by default one per core");
  std::vector<std::string> types;
  for (const Variant& variant : kVariants) types.emplace_back(variant.name);
  app.add_option("--dtype", options.dtypes, "measure only these types")->check(CLI::IsMember(types));
  app.add_option("--only", options.workloads, "measure only these workloads")
      ->check(CLI::IsMember(kWorkloads))
      ->capture_default_str();
  app.add_option("--output", options.output, "the file to write")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 1;
  }
}
