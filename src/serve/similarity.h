#pragma once
#include <cmath>
#include <span>

namespace e5v::serve {

/// Returns the cosine of two vectors of the same size, computed in double, or 0 if one of them is all zeros.
inline double cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0, norm_a = 0, norm_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * b[i];
    norm_a += double{a[i]} * a[i];
    norm_b += double{b[i]} * b[i];
  }
  return norm_a > 0 && norm_b > 0 ? dot / std::sqrt(norm_a * norm_b) : 0;
}

}  // namespace e5v::serve
