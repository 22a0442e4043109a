#pragma once
#include <cmath>
#include <cstdint>
#include <span>

#include "tensor/matrix.h"

namespace e5v::model::test {

/// The largest difference of two elements. Infinity when the sizes differ or an element is NaN.
inline double max_difference(std::span<const float> found, std::span<const float> expected) {
  if (found.size() != expected.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(double{found[i]} - expected[i]);
    if (!(difference <= largest)) largest = std::isnan(difference) ? INFINITY : difference;
  }
  return largest;
}

inline double max_difference(tensor::ConstMatrix found, tensor::ConstMatrix expected) {
  if (found.rows != expected.rows) return INFINITY;
  double largest = 0;
  for (std::int64_t r = 0; r < expected.rows; ++r) {
    const auto row = [r](tensor::ConstMatrix x) {
      return std::span(x.row<float>(r), static_cast<std::size_t>(x.columns));
    };
    largest = std::max(largest, max_difference(row(found), row(expected)));
  }
  return largest;
}

}  // namespace e5v::model::test
