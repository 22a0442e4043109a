#pragma once
#include <filesystem>
#include <optional>
#include <vector>

#include "eval/image_files.h"
#include "eval/result.h"

namespace e5v::eval {

/// A pair from a user's own file.
struct OwnPair {
  Shown first, second;          ///< a text, the path of an image, or both
  std::optional<double> score;  ///< the similarity that people gave
};

/// Pairs of a file, and the number of pairs that were left out because an image is missing.
struct OwnPairs {
  std::vector<OwnPair> pairs;
  std::size_t left_out = 0;
};

/// Reads pairs from a file. A .csv or .tsv file begins with column names, and the objects of a .jsonl file have them as
/// keys. sent0 and image0 are the first half, sent1 and image1 the second half, and score is a number. Paths are
/// relative to the file's folder. Either all rows have a score or none has. Throws InvalidInput, which names the line,
/// or all images that are missing.
OwnPairs read_pair_file(const std::filesystem::path& file, ImageFiles& files);
/// The same; every image must exist.
std::vector<OwnPair> read_pair_file(const std::filesystem::path& file);

}  // namespace e5v::eval
