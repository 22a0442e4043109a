#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace e5v::eval {

/// Pearson's correlation of two lists of one length; NaN when one of them is constant or has fewer than two numbers.
double pearson(std::span<const double> x, std::span<const double> y);

/// Throws InvalidInput when fewer than two numbers, or equal ones, leave a correlation undefined: `where` is what they
/// are of, `what` what they are ("scores").
void require_different(std::span<const double> values, std::string_view where, std::string_view what);

/// Spearman's: Pearson's of the ranks, where equal numbers share the mean of theirs.
double spearman(std::span<const double> x, std::span<const double> y);

/// Ranks from 1 on; equal numbers share the mean of theirs.
std::vector<double> average_ranks(std::span<const double> values);

/// A data set of a semantic textual similarity task: what people gave and what the model gave, pair by pair.
struct ScoredSet {
  std::string name;
  std::vector<double> gold, system;
};

/// A correlation over the sets of a task, as SentEval sums it up: of all pairs together, the mean of the sets', and
/// their mean weighted by pairs.
struct Summary {
  double all = 0, mean = 0, weighted_mean = 0;
};
using Correlation = double (*)(std::span<const double>, std::span<const double>);
Summary summarise(std::span<const ScoredSet> sets, Correlation correlation);

/// Cosine of two vectors, in double; 0 when one is zero, 1 when they are the same.
double cosine(std::span<const float> a, std::span<const float> b);

}  // namespace e5v::eval
