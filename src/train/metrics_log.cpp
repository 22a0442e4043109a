#include "train/metrics_log.h"

#include <cmath>
#include <limits>
#include <optional>

#include "base/file.h"
#include "base/json.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;

/// Takes the next line from `rest`; nothing when no whole line is left.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

StepMetrics parse_line(std::string_view line, const std::string& where) {
  const Json object = parse_json(line, where);
  require(object.is_object(), "[{}] expected an object, found {}", where, object.type_name());
  const auto step = object.find("step");
  require(step != object.end() && step->is_number_integer(), "[{}] expected \"step\" with a whole number", where);
  StepMetrics metrics{*step, {}};
  for (const auto& [name, value] : object.items()) {
    if (name == "step") continue;
    require(value.is_number() || value.is_null(), "[{}] {}: expected a number, found {}", where, in_quotes(name),
            value.type_name());
    metrics.values[name] = value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
  }
  return metrics;
}

/// The size of the lines up to a step, in bytes.
std::int64_t size_up_to(const fs::path& path, std::int64_t last_step) {
  if (last_step < 0 || !fs::exists(path)) return 0;
  const std::string text = read_file(path);
  std::string_view rest = text;
  std::size_t size = 0;
  while (const auto line = take_line(rest)) {
    try {
      if (parse_line(*line, path.string()).step > last_step) break;
    } catch (const InvalidInput&) {
      break;  // a power failure can leave such a line; the lines after it may be wrong
    }
    size = text.size() - rest.size();
  }
  return static_cast<std::int64_t>(size);
}

}  // namespace

MetricsLog::MetricsLog(const fs::path& path, std::int64_t last_step) : file_(path, size_up_to(path, last_step)) {}

void MetricsLog::add(std::int64_t step, std::span<const Metric> metrics) {
  std::string line = fmt::format("{{\"step\":{}", step);
  for (const auto& [name, value] : metrics) {
    require(name != "step", "[{}] a metric cannot be called \"step\"", file_.path().string());
    line += fmt::format(",{}:{}", Json(name).dump(), Json(value).dump());
  }
  file_.append(line + "}\n");
}

std::vector<StepMetrics> read_metrics(const fs::path& path) {
  const std::string text = read_file(path);
  std::string_view rest = text;
  std::vector<StepMetrics> all;
  while (const auto line = take_line(rest)) {
    all.push_back(parse_line(*line, fmt::format("{}:{}", path.string(), all.size() + 1)));
  }
  return all;
}

}  // namespace e5v::train
