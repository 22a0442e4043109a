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
  std::optional<double> optimistic{};  ///< with ties decided for the model, if that differs
  bool headline = false;               ///< represents the result in a summary
};

/// A text, an image, or both.
struct Shown {
  std::string text;
  std::filesystem::path image;
};

/// A query and the candidates that were found, by descending similarity.
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

/// A pair with the scores of people and of the model. A place is the share of the other pairs of the task with a lower
/// score, 0 to 1.
struct JudgedPair {
  Shown first, second;
  double gold = 0, score = 0;
  double gold_place = 0, place = 0;
};

/// Points in two dimensions, one cloud for each kind.
struct SpacePlot {
  struct Cloud {
    std::string name;
    std::vector<std::pair<double, double>> points;
  };
  std::vector<Cloud> clouds;
  std::string note;
};

/// What an evaluation left out because images are missing.
struct LeftOut {
  std::vector<std::filesystem::path> images;
  std::size_t queries = 0;  ///< queries, captions or pairs about these images
};

/// The result of an evaluation.
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

/// The figures that represent a result: those that are marked, or the first one.
std::vector<Figure> headlines(const Result& result);

/// The result as an object. Numbers that are not finite become null.
Json json_of(const Result& result);

/// Lines for a terminal: the title, the facts, and a table of names, values, the paper's figures and the differences.
std::string table_of(const Result& result);

}  // namespace e5v::eval
