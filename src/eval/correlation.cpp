#include "eval/correlation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace e5v::eval {

double pearson(std::span<const double> x, std::span<const double> y) {
  require(x.size() == y.size(), "[correlation] lists of {} and {} numbers", x.size(), y.size());
  if (x.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const auto count = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / count;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / count;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - mean_x, dy = y[i] - mean_y;
    xx += dx * dx, yy += dy * dy, xy += dx * dy;
  }
  const auto constant = [](std::span<const double> v) {
    return std::ranges::all_of(v, [&](double e) { return e == v[0]; });
  };
  if (constant(x) || constant(y)) return std::numeric_limits<double>::quiet_NaN();
  return std::clamp(xy / (std::sqrt(xx) * std::sqrt(yy)), -1.0, 1.0);
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
  return aa == 0 || bb == 0 ? 0 : ab / (std::sqrt(aa) * std::sqrt(bb));
}

}  // namespace e5v::eval
