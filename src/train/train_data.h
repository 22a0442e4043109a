#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "train/batch_plan.h"
#include "train/examples.h"
#include "train/pairs.h"

namespace e5v::train {

enum class Objective {
  contrastive,  ///< the contrastive loss of anchors and positives
  captions,     ///< the tokens of positives are predicted after their anchors
};

/// A file of pairs and its objective.
struct DataSource {
  std::filesystem::path file;
  Objective objective = Objective::contrastive;
};

/// The inputs of a step.
struct StepBatch {
  Objective objective = Objective::contrastive;
  std::int64_t total = 0;               ///< pairs of all processes
  PairBatch pairs;                      ///< for the contrastive objective
  std::vector<TokenSequence> captions;  ///< for captions
  double epoch = 0;                     ///< the number of epochs after this step

  std::int64_t tokens() const;
};

/// The files of a run: the training rows in their order, and the held-out rows.
class TrainData {
 public:
  static constexpr std::int64_t kDefaultBatch = 64;

  struct Options {
    std::vector<DataSource> sources;
    std::int64_t batch = 0;               ///< 0: kDefaultBatch, or all pairs if there are fewer
    std::int64_t together = 0;            ///< rows of a group that come into a batch together; below 2: only by chance
    std::int64_t held_out = 0;            ///< rows of each source that are never trained on
    std::filesystem::path held_out_file;  ///< pairs of another file to evaluate with; contrastive
    std::uint64_t seed = 42;
    int process = 0, processes = 1;  ///< the share of each batch that is made
  };

  /// Reads each file once. Throws InvalidInput when one is no file of pairs, or lacks what the options need.
  explicit TrainData(const Options& options) : TrainData(options, open(options.sources)) {}

  std::int64_t rows() const;
  std::int64_t batch_size() const { return plan_.batch_size(); }
  std::int64_t steps_per_epoch() const { return plan_.batches_per_epoch(); }
  bool has_images() const { return images_; }
  bool has_captions() const;
  /// The first bad rows of each file and their number: "[pairs.csv:17] ...".
  std::vector<std::string> complaints() const;
  /// A hash of the content of all files.
  std::string digest() const;

  /// This process's share of the batch of a step, counted from 0. Throws InvalidInput, which begins with file and line,
  /// for a row that cannot be used.
  StepBatch batch(std::int64_t step, Examples& examples) const;
  /// The held-out rows in batches of the batch size.
  std::vector<StepBatch> held_out(Examples& examples) const;

 private:
  using Files = std::vector<std::shared_ptr<const PairFile>>;
  TrainData(const Options& options, const Files& files);
  static Files open(const std::vector<DataSource>& sources);

  struct Source {
    std::shared_ptr<const PairFile> file;
    Objective objective;
  };
  StepBatch make(const Source& source, std::span<const std::int64_t> rows, Examples& examples) const;

  std::vector<Source> sources_;
  std::shared_ptr<const PairFile> held_out_file_;
  BatchPlan plan_;
  int process_, processes_;
  bool images_ = false;
};

}  // namespace e5v::train
