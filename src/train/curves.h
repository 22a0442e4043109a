#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "train/metrics_log.h"

namespace e5v::train {

/// What a page of training curves says about the run besides its metrics.
struct RunFacts {
  std::string title = "Training run";
  std::vector<std::pair<std::string, std::string>> facts;  ///< name and value, in the order of the page
};

/// Training curves as one HTML page that needs nothing else, no network and no script: loss with the held-out loss,
/// accuracy, learning rate, gradient norm and tokens per second, each over the step, as far as the metrics have them.
/// Its size does not grow with the length of the run.
std::string curves_page(std::span<const StepMetrics> metrics, const RunFacts& facts);

/// Makes the page from a MetricsLog's file, and replaces what is at `page` as a whole. Throws InvalidInput when the
/// file cannot be read or holds no step, or the page cannot be written.
void write_curves(const std::filesystem::path& metrics, const std::filesystem::path& page, const RunFacts& facts);

}  // namespace e5v::train
