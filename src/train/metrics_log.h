#pragma once
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/output_file.h"

namespace e5v::train {

/// The names of metrics that training curves show.
namespace metric {
inline constexpr std::string_view kEpoch = "epoch";  ///< may have a fraction
inline constexpr std::string_view kLoss = "loss", kHeldOutLoss = "held_out_loss";
inline constexpr std::string_view kAccuracy = "accuracy", kHeldOutAccuracy = "held_out_accuracy";  ///< in [0, 1]
inline constexpr std::string_view kLearningRate = "lr", kGradientNorm = "grad_norm";
inline constexpr std::string_view kTokensPerSecond = "tokens_per_second", kSeconds = "seconds";
}  // namespace metric

/// The metrics of one step, by name. A value that is not finite is stored as a gap, which is read as NaN.
struct StepMetrics {
  std::int64_t step = 0;
  std::map<std::string, double> values;
};

/// The metrics of a run as JSONL: {"step": 3, "loss": 2.5, ...}, one line per step, in the order of steps. When add()
/// returns, the operating system has the line, so that a killed run keeps it.
class MetricsLog {
 public:
  using Metric = std::pair<std::string_view, double>;

  /// Opens or creates the file. Lines of steps up to `last_step` stay. The lines after them and an unfinished last line
  /// are removed at once; -1 empties the file. Throws InvalidInput when the file cannot be opened.
  MetricsLog(const std::filesystem::path& path, std::int64_t last_step);

  /// Appends a line. Throws InvalidInput when a metric has the name "step", DeviceError when the disk is full.
  void add(std::int64_t step, std::span<const Metric> metrics);
  void add(std::int64_t step, std::initializer_list<Metric> metrics) {
    add(step, std::span(metrics.begin(), metrics.size()));
  }

 private:
  OutputFile file_;
};

/// The lines of such a file without an unfinished last line. Throws InvalidInput, which names file and line, for a line
/// that no MetricsLog wrote.
std::vector<StepMetrics> read_metrics(const std::filesystem::path& path);

}  // namespace e5v::train
