#include "eval/correlation.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace e5v::eval {

namespace {

bool is_constant(std::span<const double> values) {
  return std::ranges::all_of(values, [&](double value) { return value == values.front(); });
}

/// The numbers times a power of two that makes the largest smaller than 1, so that no square overflows or vanishes.
std::vector<double> scaled(std::vector<double> values) {
  int exponent = 0;
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  std::frexp(largest, &exponent);
  for (double& value : values) value = std::ldexp(value, -exponent);
  return values;
}

/// The scaled differences of numbers and their mean.
std::vector<double> deviations(std::span<const double> values) {
  std::vector<double> result = scaled({values.begin(), values.end()});
  const double mean = std::accumulate(result.begin(), result.end(), 0.0) / static_cast<double>(result.size());
  for (double& value : result) value -= mean;
  return scaled(std::move(result));
}

}  // namespace

double pearson(std::span<const double> x, std::span<const double> y) {
  require(x.size() == y.size(), "[correlation] lists of {} and {} numbers", x.size(), y.size());
  if (x.size() < 2 || is_constant(x) || is_constant(y)) return std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> from_x = deviations(x), from_y = deviations(y);
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    xx += from_x[i] * from_x[i], yy += from_y[i] * from_y[i], xy += from_x[i] * from_y[i];
  return std::clamp(xy / (std::sqrt(xx) * std::sqrt(yy)), -1.0, 1.0);
}

void require_different(std::span<const double> values, std::string_view where, std::string_view what) {
  require(values.size() >= 2 && !is_constant(values),
          "[{}] the {} of all {} pairs are {:.6g}, so that no correlation is defined", where, what, values.size(),
          values.empty() ? 0.0 : values.front());
}

std::vector<double> average_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + 1 + end) / 2;
    begin = end;
  }
  return ranks;
}

double spearman(std::span<const double> x, std::span<const double> y) {
  require(x.size() == y.size(), "[correlation] lists of {} and {} numbers", x.size(), y.size());
  return pearson(average_ranks(x), average_ranks(y));
}

Summary summarise(std::span<const ScoredSet> sets, Correlation correlation) {
  Summary summary;
  std::vector<double> gold, system;
  double weights = 0;
  for (const ScoredSet& set : sets) {
    gold.insert(gold.end(), set.gold.begin(), set.gold.end());
    system.insert(system.end(), set.system.begin(), set.system.end());
    const double value = correlation(set.gold, set.system);
    const auto weight = static_cast<double>(set.gold.size());
    summary.mean += value, summary.weighted_mean += weight * value, weights += weight;
  }
  summary.all = correlation(gold, system);
  summary.mean /= static_cast<double>(sets.size());
  summary.weighted_mean /= weights;
  return summary;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i];
    ab += x * y, aa += x * x, bb += y * y;
  }
  return aa == 0 || bb == 0
             ? 0
             : ab / std::sqrt(aa * bb);  // one root instead of two: the cosine of a vector and itself is exactly 1
}

double gold_score(std::string_view text, const std::string& where) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc() && end == text.data() + text.size() && std::isfinite(value), "[{}] {} is no score",
          where, in_quotes(text, 40));
  return value;
}

}  // namespace e5v::eval
