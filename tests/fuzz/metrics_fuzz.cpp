// Any bytes are the metrics of a run or InvalidInput; opening them as a log cuts off what follows a step, and no more.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "scratch.h"
#include "train/metrics_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace e5v;
  const auto file = fuzz::put("metrics.jsonl", {reinterpret_cast<const char*>(data), size});
  try {
    const auto before = train::read_metrics(file);
    const std::int64_t last = before.empty() ? 0 : before[before.size() / 2].step;
    train::MetricsLog(file, last).add(7, {{"loss", 0.5}});
    const auto after = train::read_metrics(file);
    // A log is in the order of steps; of one that is not, the part before the first later step stays.
    const auto later = [&](const train::StepMetrics& step) { return last < 0 || step.step > last; };
    const auto kept = std::ranges::find_if(before, later) - before.begin();
    if (std::ssize(after) != kept + 1 || after.back().step != 7) std::abort();
  } catch (const InvalidInput& error) {
    if (!std::string_view(error.what()).starts_with("[")) std::abort();
  }
  return 0;
}
