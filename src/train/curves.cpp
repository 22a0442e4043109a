#include "train/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "report/chart.h"
#include "report/page.h"

namespace e5v::train {
namespace {

using Metrics = std::span<const StepMetrics>;
using report::Chart, report::Curve, report::Mark, report::Point;
using report::html_of, report::smoothed, report::thinned;

constexpr std::size_t kMaxPoints = 1000;  // of a curve: about one per pixel
constexpr int kWidth = 1080, kGap = 16;   // of the page's content, in pixels

/// The way a metric is drawn.
enum class Look { smoothed, line, dots };

/// The values of a metric. A step without a finite value has no point.
std::vector<Point> points_of(Metrics metrics, std::string_view name, double scale) {
  std::vector<Point> points;
  for (const StepMetrics& step : metrics) {
    const auto found = step.values.find(std::string(name));
    if (found == step.values.end() || !std::isfinite(found->second)) continue;
    points.push_back({static_cast<double>(step.step), found->second * scale});
  }
  return points;
}

/// Adds a curve if the metric was measured.
void add_curve(Chart& chart, Metrics metrics, std::string_view metric, Look look, std::string name, double scale = 1) {
  const std::vector<Point> points = points_of(metrics, metric, scale);
  if (points.empty()) return;
  Curve curve{.name = std::move(name), .faint_dots = look == Look::smoothed};
  if (look == Look::smoothed) {
    curve.line = thinned(smoothed(points, static_cast<double>(points.size()) / 50), kMaxPoints);
  } else {
    curve.line = thinned(points, kMaxPoints);
  }
  if (look != Look::line) curve.dots = thinned(points, kMaxPoints);
  chart.curves.push_back(std::move(curve));
}

/// The steps at which the second and later epochs begin. A step's epoch includes that step, so a whole number ends an
/// epoch.
std::vector<Mark> epoch_marks(Metrics metrics) {
  std::vector<Mark> marks;
  std::optional<double> last;
  for (const Point& point : points_of(metrics, metric::kEpoch, 1)) {
    const double epoch = std::ceil(point.y) - 1;
    if (last && epoch > *last) marks.push_back({point.x, fmt::format("epoch {:g}", epoch + 1)});
    last = epoch;
  }
  return marks;
}

Chart loss_chart(Metrics metrics) {
  Chart chart{.title = "Loss", .unit = "nats", .x_label = "step", .marks = epoch_marks(metrics), .width = kWidth};
  add_curve(chart, metrics, metric::kLoss, Look::smoothed, "training");
  add_curve(chart, metrics, metric::kHeldOutLoss, Look::dots, "held out");
  return chart;
}

/// The charts below the loss that have something to show.
std::vector<Chart> small_charts(Metrics metrics) {
  Chart accuracy{.title = "Accuracy", .unit = "% of pairs", .x_label = "step"};
  add_curve(accuracy, metrics, metric::kAccuracy, Look::smoothed, "training", 100);
  add_curve(accuracy, metrics, metric::kHeldOutAccuracy, Look::dots, "held out", 100);
  Chart rate{.title = "Learning rate", .x_label = "step", .from_zero = true};
  add_curve(rate, metrics, metric::kLearningRate, Look::line, "last");
  Chart norm{.title = "Gradient norm", .x_label = "step", .from_zero = true};
  add_curve(norm, metrics, metric::kGradientNorm, Look::smoothed, "smoothed");
  Chart speed{.title = "Speed", .unit = "tokens/s", .x_label = "step", .from_zero = true};
  add_curve(speed, metrics, metric::kTokensPerSecond, Look::smoothed, "smoothed");
  std::vector<Chart> charts{std::move(accuracy), std::move(rate), std::move(norm), std::move(speed)};
  std::erase_if(charts, [](const Chart& chart) { return chart.curves.empty(); });
  return charts;
}

/// The small charts side by side: three in a row if there are exactly three.
std::string charts_grid(std::vector<Chart> charts) {
  const int columns = charts.size() == 3 ? 3 : charts.size() == 1 ? 1 : 2;
  std::string grid = fmt::format("<div class=\"charts\" style=\"--columns: {}\">\n", columns);
  for (Chart& chart : charts) {
    // Charts have the width at which they are shown, so that all letters have the same size.
    chart.width = (kWidth - (columns - 1) * (kGap + 36)) / columns;
    chart.height = 230;
    grid += html_of(chart);
  }
  return grid + "</div>\n";
}

}  // namespace

std::string curves_page(Metrics metrics, const RunFacts& facts) {
  const std::string reach = metrics.empty() ? "no step yet" : fmt::format("up to step {}", metrics.back().step);
  std::string body = report::facts_html(facts.facts);
  const Chart loss = loss_chart(metrics);
  if (!loss.curves.empty()) body += html_of(loss);
  body += charts_grid(small_charts(metrics));
  return report::page(facts.title, reach, body);
}

void write_curves(const std::filesystem::path& metrics, const std::filesystem::path& page, const RunFacts& facts) {
  const std::vector<StepMetrics> steps = read_metrics(metrics);
  require(!steps.empty(), "[{}] holds no step, expected the metrics of a run", metrics.string());
  write_file_atomically(page, curves_page(steps, facts));
}

}  // namespace e5v::train
