#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace e5v::eval {

/// For each item the fold, of `folds`, that tests on it: shuffled, every class spread evenly. The same folds, item by
/// item, as scikit-learn's StratifiedKFold(folds, shuffle=True, random_state=seed) gives, so that figures of
/// cross-validations can be compared. Throws InvalidInput for fewer than 2 folds, and when every class has fewer items
/// than there are folds. Source: scikit-learn's documentation and behaviour; NumPy's legacy RandomState.shuffle.
std::vector<int> stratified_folds(std::span<const int> labels, int folds, std::uint32_t seed);

}  // namespace e5v::eval
