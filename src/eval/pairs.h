#pragma once
#include <string>
#include <vector>

#include "eval/encoder.h"
#include "eval/pair_file.h"
#include "eval/result.h"

namespace e5v::eval {

struct PairOptions {
  std::string name;  ///< of the data, for people
  std::string text_prompt = "text", image_prompt = "image", composed_prompt = "cirr-query";
};

/// With scores: Spearman's and Pearson's correlation x 100 of cosines with them. Without: recall x 100 at 1, 5 and 10
/// of the second halves by the first and the other way round; equal halves are one candidate, and each of a half's
/// partners counts as right.
Result evaluate_pairs(Encoder& encoder, const std::vector<OwnPair>& pairs, const PairOptions& options);

}  // namespace e5v::eval
