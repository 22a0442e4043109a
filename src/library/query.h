#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "library/library.h"

/// Queries that are made of several parts.
namespace e5v::library {

/// A text and its weight.
struct WeightedText {
  std::string text;
  double weight = 1;
  bool operator==(const WeightedText&) const = default;
};

/// "at night:0.5" as a text and its weight. The weight is what follows the last colon if that is a number; without it,
/// the weight is 1. Throws InvalidInput if the text is empty, or the weight not above 0 and at most 100.
WeightedText weighted_text(std::string_view given);

/// A vector [width] of length 1, and its weight, which is negative for what the photos are not to show.
struct WeightedVector {
  std::vector<float> vector;
  double weight = 1;
};

/// The sum of the vectors times their weights, scaled to length 1: so the score of a photo is the weighted sum of its
/// cosines with the parts, divided by the length of the sum. A single vector of weight 1 stays as it is. Throws
/// InvalidInput if the sum is about 0.
std::vector<float> sum_of(std::span<const WeightedVector> parts);

/// The row of a photo of the library by the path of a file, or by the first digits of its hash, at least 6. A path may
/// be relative to the current folder or to a folder of the library. Throws InvalidInput if there is none, or several.
std::int64_t row_named(Library& library, const std::string& path_or_hash);

}  // namespace e5v::library
