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

/// Training curves as one HTML page that works without network and script. It shows loss, held-out loss, accuracy,
/// learning rate, gradient norm and tokens per second over the steps, as far as the metrics have them. The size of the
/// page does not grow with the length of the run.
std::string curves_page(std::span<const StepMetrics> metrics, const RunFacts& facts);

/// Makes the page from the file of a MetricsLog. The file at `page` is replaced as a whole. Throws InvalidInput when
/// the metrics cannot be read or have no step, or when the page cannot be written.
void write_curves(const std::filesystem::path& metrics, const std::filesystem::path& page, const RunFacts& facts);

}  // namespace e5v::train
