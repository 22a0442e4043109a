#include "eval/judged.h"

#include <algorithm>
#include <cmath>

#include "eval/correlation.h"

namespace e5v::eval {
namespace {

double difference(const JudgedPair& pair) { return std::abs(pair.gold_place - pair.place); }

}  // namespace

void place_pairs(std::span<JudgedPair> pairs) {
  if (pairs.size() < 2) return;
  std::vector<double> gold, scores;
  for (const JudgedPair& pair : pairs) gold.push_back(pair.gold), scores.push_back(pair.score);
  const std::vector<double> gold_ranks = average_ranks(gold), ranks = average_ranks(scores);
  const auto last = static_cast<double>(pairs.size() - 1);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    pairs[i].gold_place = (gold_ranks[i] - 1) / last;
    pairs[i].place = (ranks[i] - 1) / last;
  }
}

void add_judged(Result& result, std::span<const JudgedPair> pairs, std::size_t count) {
  std::vector<const JudgedPair*> order;
  for (const JudgedPair& pair : pairs) order.push_back(&pair);
  count = std::min(count, order.size());
  std::ranges::stable_sort(order, {}, [](const JudgedPair* pair) { return pair->gold_place; });
  for (std::size_t part = 0; part < count; ++part) {
    const auto at = [&](std::size_t i) { return order.begin() + static_cast<std::ptrdiff_t>(i); };
    const auto best = std::min_element(at(part * order.size() / count), at((part + 1) * order.size() / count),
                                       [](auto* a, auto* b) { return difference(*a) < difference(*b); });
    result.agreed.push_back(**best);
  }
  std::ranges::stable_sort(order, std::greater(), [](const JudgedPair* pair) { return difference(*pair); });
  for (std::size_t i = 0; i < count; ++i) result.disagreed.push_back(*order[i]);
}

}  // namespace e5v::eval
