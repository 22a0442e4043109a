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

/// The range of sensible temperatures. Outside of it, sums overflow.
inline constexpr float kMinTemperature = 1e-3f, kMaxTemperature = 100;
inline constexpr double kMaxEpochs = 1e6;

/// The options of a training run. The defaults are E5-V's recipe, except for the batch, which is 768 there.
struct TrainOptions {
  std::filesystem::path model, output;
  TrainData::Options data;
  Examples::Options examples;
  TraineeOptions trainee;
  LoadOptions load;              ///< its adapter is not used, because `trainee` selects what is trained
  PrepareOptions prepare;        ///< of the images
  std::int64_t micro_batch = 8;  ///< pairs that are computed together
  ContrastiveOptions loss;       ///< loss_of() sets `grouped` by data.together
  double epochs = 2;
  std::int64_t steps = 0;  ///< 0: the number of steps in the epochs
  ScheduleShape schedule = ScheduleShape::linear;
  double learning_rate = 4e-4;
  std::int64_t warmup = 100;
  OptimizerOptions optimizer;
  double clip = 1;                    ///< maximum of the gradients' norm
  std::int64_t evaluate_every = 100;  ///< steps between evaluations of held-out rows
  std::int64_t patience = 0;          ///< evaluations without a new minimum before the run ends; 0: no early stop
  std::int64_t save_every = 100, keep = 3;
  bool resume = false, replace = false;
};

/// Throws InvalidInput, in the words of the program's options, when an option is out of its range.
void check(const TrainOptions& options);

/// The number of steps of the run.
std::int64_t steps_of(const TrainOptions& options, const TrainData& data);

/// The contrastive loss of the run. It is grouped when rows of a group come together.
ContrastiveOptions loss_of(const TrainOptions& options);

/// The options of the model for these data.
TraineeOptions trainee_options(const TrainOptions& options, const TrainData& data);

/// The names of parts, such as "lora,projector".
std::string names_of(const TrainedParts& parts);

/// What must be equal for two runs to have the same losses, in the words of the program's options.
RunIdentity identity_of(const TrainOptions& options, const TrainData& data, const Trainee& model);

}  // namespace e5v::train
