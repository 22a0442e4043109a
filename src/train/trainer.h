#pragma once
#include <functional>
#include <optional>
#include <string>

#include "processes/group.h"
#include "train/train_options.h"

namespace e5v::train {

/// What a step came to.
struct StepReport {
  std::int64_t step = 0, steps = 0;  ///< this one, counted from 1, and how many there will be
  double epoch = 0, loss = 0, accuracy = 0, learning_rate = 0, gradient_norm = 0, tokens_per_second = 0;
  double seconds_left = 0;
  std::optional<double> held_out_loss, held_out_accuracy;
};

struct TrainHooks {
  std::function<void(const StepReport&)> step;
  std::function<void(const std::string&)> say;  ///< what the user should know
  /// Throws Interrupted to end the run; its state is saved first. Asked between steps and, by a process that is
  /// alone, between the parts of a batch.
  std::function<void()> check_stop;
  /// Called on every process after a step, which is lost unless the run is ended by check_stop.
  std::function<void()> unsaved;
};

/// Trains to the end, and leaves in the output folder: adapter/ (PEFT's layout) or model/ (a checkpoint),
/// metrics.jsonl, curves.html, and the last states under checkpoints/. Throws InvalidInput for data that cannot be used
/// or a run that does not fit; ModelError when a loss or gradient is not finite, naming the step and the last state
/// that was saved.
///
/// In a group of processes each computes its share of every batch, and all have the same parameters; process 0 writes.
/// The folders must be the same for all. Collective.
void train(const TrainOptions& options, const TrainHooks& hooks, const processes::Group& group);

}  // namespace e5v::train
