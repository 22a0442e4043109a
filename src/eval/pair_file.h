#pragma once
#include <filesystem>
#include <optional>
#include <vector>

#include "eval/result.h"

namespace e5v::eval {

/// Things that belong together, as somebody's own file has them.
struct OwnPair {
  Shown first, second;          ///< a text, a picture (its path), or a picture changed by a text
  std::optional<double> score;  ///< how similar people find them
};

/// Pairs of a file: .csv and .tsv begin with column names, .jsonl has them as keys. sent0 and image0 make up the first
/// half, sent1 and image1 the second, score is a number. Paths are relative to the file's folder. Either all rows have
/// a score or none. Throws InvalidInput naming the line, or the first picture that does not exist.
std::vector<OwnPair> read_pair_file(const std::filesystem::path& file);

}  // namespace e5v::eval
