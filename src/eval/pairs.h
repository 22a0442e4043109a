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

/// With scores: Spearman's and Pearson's correlation x 100 of cosines and scores. Without scores: recall x 100 at 1, 5
/// and 10, in both directions. Equal halves are one candidate, and each partner of a half is right.
Result evaluate_pairs(Encoder& encoder, const std::vector<OwnPair>& pairs, const PairOptions& options);

}  // namespace e5v::eval
