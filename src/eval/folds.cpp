#include "eval/folds.h"

#include <algorithm>
#include <map>
#include <random>

#include "base/error.h"

namespace e5v::eval {
namespace {

/// A uniform number in [0, highest]: as many bits as `highest` has, drawn again while they exceed it.
std::uint32_t draw(std::mt19937& random, std::uint32_t highest) {
  std::uint32_t mask = highest;
  for (int shift = 1; shift < 32; shift *= 2) mask |= mask >> shift;
  std::uint32_t value = 0;
  do value = static_cast<std::uint32_t>(random()) & mask;
  while (value > highest);
  return value;
}

void shuffle(std::vector<int>& values, std::mt19937& random) {
  for (std::size_t i = values.size(); i-- > 1;)
    std::swap(values[i], values[draw(random, static_cast<std::uint32_t>(i))]);
}

}  // namespace

std::vector<int> stratified_folds(std::span<const int> labels, int folds, std::uint32_t seed) {
  require(folds >= 2, "[folds] {} folds, expected at least 2", folds);
  std::map<int, std::size_t> numbers;  // classes are numbered in the order of their first items
  std::vector<std::size_t> classes, counts;
  for (const int label : labels) {
    classes.push_back(numbers.try_emplace(label, numbers.size()).first->second);
    counts.resize(numbers.size());
    ++counts[classes.back()];
  }
  const std::size_t largest = counts.empty() ? 0 : *std::ranges::max_element(counts);
  require(largest >= static_cast<std::size_t>(folds), "[folds] every class has fewer items than the {} folds", folds);
  // Each fold takes every folds-th of the sorted labels, which gives the number of items of each class in the fold.
  std::vector<std::vector<int>> of_class(counts.size());
  std::size_t place = 0;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    for (std::size_t i = 0; i < counts[c]; ++i)
      of_class[c].push_back(static_cast<int>(place++ % static_cast<std::size_t>(folds)));
    std::ranges::sort(of_class[c]);
  }
  std::mt19937 random(seed);
  for (std::vector<int>& list : of_class) shuffle(list, random);
  std::vector<int> result;
  std::vector<std::size_t> next(counts.size(), 0);
  for (const std::size_t c : classes) result.push_back(of_class[c][next[c]++]);
  return result;
}

}  // namespace e5v::eval
