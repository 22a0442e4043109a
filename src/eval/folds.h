#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace e5v::eval {

/// The fold, of `folds`, in which each item is tested. Items are shuffled, and every class is spread evenly over the
/// folds. They are the folds of scikit-learn's StratifiedKFold(folds, shuffle=True, random_state=seed), item by item,
/// so that cross-validations can be compared. Throws InvalidInput for fewer than 2 folds, and when every class has
/// fewer items than there are folds. Source: scikit-learn's documentation and behaviour; NumPy's legacy
/// RandomState.shuffle.
std::vector<int> stratified_folds(std::span<const int> labels, int folds, std::uint32_t seed);

}  // namespace e5v::eval
