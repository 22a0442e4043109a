#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "e5v/embedder.h"
#include "ranks/group.h"
#include "train/adamw.h"
#include "train/examples.h"
#include "train/grad_cache.h"
#include "train/run_folder.h"
#include "train/schedule.h"
#include "train/train_data.h"
#include "train/trainee.h"

namespace e5v::train {

/// A training run. The defaults are E5-V's recipe but for the batch, which is 768 there.
struct TrainOptions {
  std::filesystem::path model, output;
  TrainData::Options data;
  Examples::Options examples;
  TraineeOptions trainee;
  EmbedderOptions input;          ///< how images are read; dtype and threads
  std::int64_t micro_batch = 8;   ///< pairs computed together
  float temperature = 0.05f;
  double epochs = 2;
  std::int64_t steps = 0;  ///< 0: as many as the epochs have
  ScheduleShape schedule = ScheduleShape::linear;
  double learning_rate = 4e-4;
  std::int64_t warmup = 100;
  AdamWOptions adamw;
  double clip = 1;                    ///< of the gradients' norm
  std::int64_t evaluate_every = 100;  ///< steps between evaluations of what is held out
  std::int64_t patience = 0;          ///< evaluations without a new best before the run ends; 0: never
  std::int64_t save_every = 100, keep = 3;
  bool resume = false, replace = false;
};

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
  /// Throws embed::Interrupted to end the run; its state is saved first.
  std::function<void()> check_stop;
};

/// Trains to the end, and leaves in the output folder: adapter/ (PEFT's layout) or model/ (a checkpoint), metrics.jsonl,
/// curves.html, and the last states under checkpoints/. Throws InvalidInput for data that cannot be used or a run that
/// does not fit; ModelError when a loss or gradient is not finite, naming the step and the last state that was saved.
///
/// In a group of processes each computes its share of every batch, and all have the same parameters; rank 0 writes. The
/// folders must be the same for all. Collective.
void train(const TrainOptions& options, const TrainHooks& hooks, const ranks::Group& group);

}  // namespace e5v::train
