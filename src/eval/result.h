#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace e5v::eval {

/// One number of a table.
struct Figure {
  std::string name;
  double value = 0;
  std::optional<double> paper{};       ///< E5-V's own figure for it (arXiv:2407.12580)
  std::optional<double> optimistic{};  ///< with ties decided for the model, where that differs
  bool headline = false;               ///< stands for the others where many evaluations are summed up
};

/// A text, a picture, or both.
struct Shown {
  std::string text;
  std::filesystem::path image;
};

/// A query with what was found for it, the best first.
struct Example {
  Shown query;
  std::int64_t rank = 0;  ///< of its best right candidate, from 1
  struct Found {
    Shown candidate;
    double score = 0;
    bool right = false;
  };
  std::vector<Found> found;
};

/// A pair that both people and the model have judged. Places are shares of the task's other pairs that were judged less
/// similar, 0 to 1.
struct JudgedPair {
  Shown first, second;
  double gold = 0, score = 0;
  double gold_place = 0, place = 0;
};

/// Points of a space in two dimensions, by kind.
struct SpacePlot {
  struct Cloud {
    std::string name;
    std::vector<std::pair<double, double>> points;
  };
  std::vector<Cloud> clouds;
  std::string note;
};

/// What an evaluation did without, because pictures are missing.
struct LeftOut {
  std::vector<std::filesystem::path> pictures;
  std::size_t queries = 0;  ///< or captions, or pairs, about these
};

/// What an evaluation came to.
struct Result {
  std::string task;                                          ///< as on the command line: "sts"
  std::string title;                                         ///< for people: "Semantic textual similarity"
  std::string unit;                                          ///< of the figures: "Spearman's correlation x 100"
  std::vector<std::pair<std::string, std::string>> facts{};  ///< data set, sizes, prompts
  std::vector<Figure> figures{};
  std::vector<Example> best{}, worst{};
  std::vector<JudgedPair> agreed{}, disagreed{};
  std::optional<SpacePlot> space{};
  std::optional<LeftOut> left_out{};
  bool in_percent = true;  ///< the figures lie between 0 and 100, so that bars can show them
  double seconds = 0;
  std::int64_t computed = 0, reused = 0;  ///< vectors
};

/// The figures that stand for a result: those marked so, or else the first one.
std::vector<Figure> headlines(const Result& result);

/// As an object; numbers that are not finite are null.
Json json_of(const Result& result);

/// Lines for a terminal: the title, the facts, and a table of name, value, the paper's, and the difference.
std::string table_of(const Result& result);

}  // namespace e5v::eval
