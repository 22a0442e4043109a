#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace e5v::eval {

/// Pearson's correlation of two lists of equal length; NaN when a list is constant or has fewer than two numbers.
double pearson(std::span<const double> x, std::span<const double> y);

/// Throws InvalidInput when a correlation is undefined: there are fewer than two numbers, or all are equal. `where`
/// says what the numbers belong to, `what` says what they are ("scores").
void require_different(std::span<const double> values, std::string_view where, std::string_view what);

/// Spearman's correlation: Pearson's correlation of the ranks. Equal numbers share the mean of their ranks.
double spearman(std::span<const double> x, std::span<const double> y);

/// Ranks, which begin with 1. Equal numbers share the mean of their ranks.
std::vector<double> average_ranks(std::span<const double> values);

/// A data set of a semantic textual similarity task: the score of people and the score of the model for each pair.
struct ScoredSet {
  std::string name;
  std::vector<double> gold, system;
};

/// The correlation of a task with several sets, as SentEval computes it: of all pairs together, the mean over the sets,
/// and the mean weighted by the number of pairs.
struct Summary {
  double all = 0, mean = 0, weighted_mean = 0;
};
using Correlation = double (*)(std::span<const double>, std::span<const double>);
Summary summarise(std::span<const ScoredSet> sets, Correlation correlation);

/// The cosine of two vectors, computed in double. It is 0 when one is zero and 1 when they are equal.
double cosine(std::span<const float> a, std::span<const float> b);

/// The gold score that a text of a data set spells. Throws InvalidInput, which begins with `where`, if it is no finite
/// number.
double gold_score(std::string_view text, const std::string& where);

}  // namespace e5v::eval
