#pragma once
#include <filesystem>

#include "e5v/options.h"
#include "train/examples.h"
#include "train/optimizer.h"
#include "train/run_folder.h"
#include "train/schedule.h"
#include "train/train_data.h"
#include "train/trainee.h"

namespace e5v::train {

/// What makes sense of these numbers; beyond, sums overflow.
inline constexpr float kLeastTemperature = 1e-3f, kMostTemperature = 100;
inline constexpr double kMostEpochs = 1e6;

/// A training run. The defaults are E5-V's recipe but for the batch, which is 768 there.
struct TrainOptions {
  std::filesystem::path model, output;
  TrainData::Options data;
  Examples::Options examples;
  TraineeOptions trainee;
  LoadOptions load;              ///< its adapter is not used: `trainee` says what is trained
  PrepareOptions prepare;        ///< how images are read
  std::int64_t micro_batch = 8;  ///< pairs computed together
  ContrastiveOptions loss;       ///< whether it is grouped follows from data.together: loss_of()
  double epochs = 2;
  std::int64_t steps = 0;  ///< 0: as many as the epochs have
  ScheduleShape schedule = ScheduleShape::linear;
  double learning_rate = 4e-4;
  std::int64_t warmup = 100;
  OptimizerOptions optimizer;
  double clip = 1;                    ///< of the gradients' norm
  std::int64_t evaluate_every = 100;  ///< steps between evaluations of what is held out
  std::int64_t patience = 0;          ///< evaluations without a new best before the run ends; 0: never
  std::int64_t save_every = 100, keep = 3;
  bool resume = false, replace = false;
};

/// Throws InvalidInput, in the words of the program's options, when one is out of its range.
void check(const TrainOptions& options);

/// How many steps the run has.
std::int64_t steps_of(const TrainOptions& options, const TrainData& data);

/// The contrastive loss of the run: grouped when rows of a group come together.
ContrastiveOptions loss_of(const TrainOptions& options);

/// How the model is made for the data.
TraineeOptions trainee_options(const TrainOptions& options, const TrainData& data);

/// "lora,projector".
std::string names_of(const TrainedParts& parts);

/// What must agree for two runs to have the same losses, in the words of the program's options.
RunIdentity identity_of(const TrainOptions& options, const TrainData& data, const Trainee& model);

}  // namespace e5v::train
