#pragma once
#include <filesystem>
#include <optional>
#include <vector>

#include "eval/picture_files.h"
#include "eval/result.h"

namespace e5v::eval {

/// Things that belong together, as somebody's own file has them.
struct OwnPair {
  Shown first, second;          ///< a text, a picture (its path), or a picture changed by a text
  std::optional<double> score;  ///< how similar people find them
};

/// Pairs of a file, and how many are left out because their pictures are missing.
struct OwnPairs {
  std::vector<OwnPair> pairs;
  std::size_t left_out = 0;
};

/// Pairs of a file: .csv and .tsv begin with column names, .jsonl has them as keys. sent0 and image0 make up the first
/// half, sent1 and image1 the second, score is a number. Paths are relative to the file's folder. Either all rows have
/// a score or none. Throws InvalidInput naming the line, or all pictures that are missing.
OwnPairs read_pair_file(const std::filesystem::path& file, PictureFiles& files);
/// The same where every picture must be there.
std::vector<OwnPair> read_pair_file(const std::filesystem::path& file);

}  // namespace e5v::eval
