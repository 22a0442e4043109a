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

/// The names that training curves know.
namespace metric {
inline constexpr std::string_view kEpoch = "epoch";  ///< with a fraction
inline constexpr std::string_view kLoss = "loss", kHeldOutLoss = "held_out_loss";
inline constexpr std::string_view kAccuracy = "accuracy", kHeldOutAccuracy = "held_out_accuracy";  ///< of [0, 1]
inline constexpr std::string_view kLearningRate = "lr", kGradientNorm = "grad_norm";
inline constexpr std::string_view kTokensPerSecond = "tokens_per_second", kSeconds = "seconds";
}  // namespace metric

/// What was measured at one step, by name. A value that is no finite number is kept as a gap: NaN when read back.
struct StepMetrics {
  std::int64_t step = 0;
  std::map<std::string, double> values;
};

/// The metrics of a run as JSONL: {"step": 3, "loss": 2.5, ...}, one line a step, in the order of steps. Every line is
/// with the system when add() returns, so that a killed run keeps it.
class MetricsLog {
 public:
  using Metric = std::pair<std::string_view, double>;

  /// Opens or creates the file. Lines of steps up to `last_step` stay, what follows them is cut off in one go, as is a
  /// last line that was not finished; -1 empties the file. Throws InvalidInput when the file cannot be opened.
  MetricsLog(const std::filesystem::path& path, std::int64_t last_step);

  /// Appends a line. Throws InvalidInput when the name "step" is among the metrics, DeviceError when the disk is full.
  void add(std::int64_t step, std::span<const Metric> metrics);
  void add(std::int64_t step, std::initializer_list<Metric> metrics) {
    add(step, std::span(metrics.begin(), metrics.size()));
  }

 private:
  OutputFile file_;
};

/// The lines of such a file. A last line without its end is left out. Throws InvalidInput, naming file and line, for a
/// line that is none of a MetricsLog.
std::vector<StepMetrics> read_metrics(const std::filesystem::path& path);

}  // namespace e5v::train
