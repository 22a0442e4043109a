#pragma once
#include <functional>
#include <optional>
#include <string>

#include "processes/group.h"
#include "train/train_options.h"

namespace e5v::train {

/// The result of a step.
struct StepReport {
  std::int64_t step = 0, steps = 0;  ///< this step, counted from 1, and the number of all steps
  double epoch = 0, loss = 0, accuracy = 0, learning_rate = 0, gradient_norm = 0, tokens_per_second = 0;
  double seconds_left = 0;
  std::optional<double> held_out_loss, held_out_accuracy;
};

struct TrainHooks {
  std::function<void(const StepReport&)> step;
  std::function<void(const std::string&)> say;  ///< messages for the user
  /// Throws Interrupted to end the run, which saves its state first. Called between steps and, in a single process,
  /// between the parts of a batch.
  std::function<void()> check_stop;
  /// Called on every process after a step. The step is lost unless the run is ended by check_stop.
  std::function<void()> unsaved;
};

/// Trains to the end. The output folder then has adapter/ (PEFT's layout) or model/ (a checkpoint), metrics.jsonl,
/// curves.html, and the last states in checkpoints/. Throws InvalidInput for data that cannot be used or a run that
/// does not fit. Throws ModelError when a loss or gradient is not finite; the message names the step and the last saved
/// state.
/// In a group, each process computes its share of every batch, and all have the same parameters. Process 0 writes. All
/// processes need the same folders. Collective.
void train(const TrainOptions& options, const TrainHooks& hooks, const processes::Group& group);

}  // namespace e5v::train
