#include "train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/file.h"
#include "base/interrupted.h"
#include "base/parallel.h"
#include "base/read_ahead.h"
#include "families/llava_next.h"
#include "families/llava_next/prepare.h"
#include "model/model_folder.h"
#include "ops/accelerator.h"
#include "train/curves.h"
#include "train/learner.h"
#include "train/metrics_log.h"
#include "train/write_checkpoint.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// The options after the checks, with the checkpoint's folder as the model.
TrainOptions resolved(const TrainOptions& given) {
  check(given);
  TrainOptions options = given;
  options.model = model::find_model_folder(given.model);
  return options;
}

class Run {
 public:
  Run(const TrainOptions& options, const TrainHooks& hooks, const processes::Group& group)
      : options_(resolved(options)),
        hooks_(hooks),
        group_(group),
        data_(shared(options.data, group)),
        preparer_(families::make_llava_next_preparer(
            options_.model, families::require_llava_next(options_.model, "train"), options_.prepare)),
        examples_(preparer_, options.examples),
        model_(options_.model, preparer_.preprocess(), trainee_options(options, data_)),
        learner_(model_, options, group),
        steps_(steps_of(options, data_)),
        schedule_{options.schedule, options.learning_rate, options.warmup, steps_},
        folder_(group.leads() ? RunFolder(options.output, options.resume, options.replace)
                              : RunFolder(options.output)) {
    state_.identity = identity_of(options, data_, model_);
    state_.best_held_out = std::numeric_limits<double>::max();
  }

  void run() {
    for (const std::string& complaint : data_.complaints()) say(complaint);
    group_.agree([&] { resume(); });
    announce();
    std::optional<MetricsLog> log;
    std::vector<StepBatch> held_out;
    group_.agree([&] {
      if (group_.leads()) log.emplace(folder_.metrics(), state_.step);
      held_out = data_.held_out(examples_);
    });
    ReadAhead<StepBatch> ahead(
        [this, next = state_.step]() mutable {
          return next < steps_ ? std::optional(data_.batch(next++, examples_)) : std::nullopt;
        },
        [](const StepBatch&) { return std::int64_t{1}; }, 2, preparing_threads());
    try {
      while (state_.step < steps_ && !stopped_early()) {
        check_stop();
        std::optional<StepBatch> batch;
        group_.agree([&] { batch = ahead.pop(); });
        StepReport report = step(*batch);
        const bool last = state_.step == steps_;
        if (!held_out.empty() && (last || state_.step % options_.evaluate_every == 0)) evaluate(held_out, report);
        if (log) add_to(*log, report);
        if (hooks_.step && group_.leads()) hooks_.step(report);
        if (last || state_.step % options_.save_every == 0 || stopped_early()) save();
      }
    } catch (...) {  // interrupted, or a row that cannot be used; the progress is saved
      if (!broken_) save();
      write_page();
      throw;
    }
    if (stopped_early())
      say(fmt::format("no better held-out loss in {} evaluations: stopped at step {}", options_.patience, state_.step));
    if (options_.patience == 0 || !state_.best_kept) write_result();
    write_page();
  }

 private:
  static TrainData::Options shared(TrainData::Options options, const processes::Group& group) {
    options.process = group.index();
    options.processes = group.size();
    return options;
  }

  void say(const std::string& message) const {
    if (hooks_.say && group_.leads()) hooks_.say(message);
  }

  /// A request to stop that reached one process stops all processes after the same step.
  void check_stop() const {
    double stops = 0;
    try {
      if (hooks_.check_stop) hooks_.check_stop();
    } catch (const Interrupted&) {
      stops = 1;
    }
    if (group_.sum(stops) > 0) throw Interrupted();
  }

  void resume() {
    if (!options_.resume) return;
    const std::optional<RunState> saved = folder_.newest();
    if (!saved) return;
    require_same_run(saved->identity, state_.identity);
    folder_.load(model_, learner_.optimizer());
    state_ = *saved;
    saved_step_ = state_.step;
    if (options_.patience > 0 && !state_.best_kept) {  // earlier runs kept no best result
      state_.best_held_out = std::numeric_limits<double>::max();
      state_.worse_evaluations = 0;
    }
    say(fmt::format("continues after step {}", state_.step));
  }

  void announce() const {
    say(fmt::format("{} pair{}, {} step{} of {}, {:.2f} M trained parameters ({}), {}", data_.rows(),
                    data_.rows() == 1 ? "" : "s", steps_, steps_ == 1 ? "" : "s", data_.batch_size(),
                    static_cast<double>(learner_.trained()) / 1e6, names_of(options_.trainee.parts),
                    name_of(model_.precision())));
    announce_limits();
  }

  /// Says which defaults the data, the model or the number of steps do not allow.
  void announce_limits() const {
    if (options_.data.batch == 0 && data_.batch_size() < TrainData::kDefaultBatch)
      say(fmt::format("a step has {} pairs instead of {}, because no file has more", data_.batch_size(),
                      TrainData::kDefaultBatch));
    const std::int64_t rank = model_.lora() != nullptr ? model_.lora()->adapter().rank : LoraOptions::kDefaultRank;
    if (options_.trainee.lora.rank == 0 && rank < LoraOptions::kDefaultRank)
      say(fmt::format("adapters have rank {} instead of {}, because the smallest matrix allows no higher rank", rank,
                      LoraOptions::kDefaultRank));
    if (options_.warmup > steps_)
      say(fmt::format("the warmup of {} steps is longer than the run: the learning rate rises to {:.2e}, not {:.2e}",
                      options_.warmup, schedule_.at(steps_ - 1), options_.learning_rate));
  }

  /// A GPU leaves the CPU's cores to the threads that prepare batches. Otherwise the model uses them.
  int preparing_threads() const { return model_.place() == tensor::Place::device ? thread_count() : 1; }

  StepReport step(const StepBatch& batch) {
    const Clock::time_point start = Clock::now();
    StepReport report;
    report.steps = steps_;
    report.epoch = batch.epoch;
    report.learning_rate = schedule_.at(state_.step);
    const Learner::Gradients found =
        learner_.take_gradients(batch, state_.step, group_.size() == 1 ? hooks_.check_stop : nullptr);
    report.loss = found.loss, report.accuracy = found.accuracy, report.gradient_norm = found.norm;
    group_.agree([&] {  // all processes have the same numbers
      require_finite("loss", report.loss);
      require_finite("norm of the gradients", report.gradient_norm);
    });
    learner_.update(report.learning_rate);
    report.step = ++state_.step;
    if (hooks_.unsaved) hooks_.unsaved();
    const double seconds = seconds_since(start);
    seconds_per_step_ = seconds_per_step_ == 0 ? seconds : 0.9 * seconds_per_step_ + 0.1 * seconds;
    report.tokens_per_second = group_.sum(static_cast<double>(batch.tokens())) / seconds;
    report.seconds_left = seconds_per_step_ * static_cast<double>(report.steps - report.step);
    return report;
  }

  /// Parameters that lead to such a number are not saved.
  void require_finite(const char* what, double value) {
    if (std::isfinite(value)) return;
    broken_ = true;
    const std::optional<RunState> kept = folder_.newest();
    fail<ModelError>("[step {}] the {} is {}; {}", state_.step + 1, what, value,
                     kept ? fmt::format("the state of step {} is kept", kept->step) : "no state was saved before");
  }

  void evaluate(const std::vector<StepBatch>& held_out, StepReport& report) {
    const BatchLoss found = learner_.evaluate(held_out);
    report.held_out_loss = found.loss, report.held_out_accuracy = found.accuracy;
    const bool better = *report.held_out_loss < state_.best_held_out;
    state_.best_held_out = std::min(state_.best_held_out, *report.held_out_loss);
    state_.worse_evaluations = better ? 0 : state_.worse_evaluations + 1;
    if (better) {
      state_.best_kept = options_.patience > 0;
      if (state_.best_kept) write_result();
    }
  }

  bool stopped_early() const { return options_.patience > 0 && state_.worse_evaluations >= options_.patience; }

  static void add_to(MetricsLog& log, const StepReport& report) {
    std::vector<MetricsLog::Metric> metrics{{metric::kEpoch, report.epoch},
                                            {metric::kLoss, report.loss},
                                            {metric::kAccuracy, report.accuracy},
                                            {metric::kLearningRate, report.learning_rate},
                                            {metric::kGradientNorm, report.gradient_norm},
                                            {metric::kTokensPerSecond, report.tokens_per_second}};
    if (report.held_out_loss) metrics.emplace_back(metric::kHeldOutLoss, *report.held_out_loss);
    if (report.held_out_accuracy) metrics.emplace_back(metric::kHeldOutAccuracy, *report.held_out_accuracy);
    log.add(report.step, metrics);
  }

  void save() {
    if (state_.step == 0 || state_.step == saved_step_ || !group_.leads()) return;
    folder_.save(state_, model_, learner_.optimizer(), options_.keep);
    saved_step_ = state_.step;
  }

  void write_result() const {
    if (!group_.leads()) return;
    if (model_.lora() != nullptr) {
      fs::create_directories(folder_.path() / "adapter");
      model_.lora()->adapter().write(folder_.path() / "adapter");
    }
    if (!model_.weights().empty()) {
      write_trained_weights(options_.model, folder_.path() / "model", model_.weights());
    }
  }

  void write_page() const {
    if (state_.step == 0 || !group_.leads()) return;
    RunFacts facts;
    facts.title = fmt::format("Training of {}", options_.model.filename().string());
    for (const DataSource& source : options_.data.sources)
      facts.facts.emplace_back("data", source.file.filename().string());
    facts.facts.emplace_back("pairs", fmt::format("{}", data_.rows()));
    for (const char* name :
         {"parts", "dtype", "batch", "learning_rate", "schedule", "warmup", "temperature", "lora_rank", "seed"}) {
      if (const auto found = state_.identity.find(fmt::format("option {}", name)); found != state_.identity.end()) {
        facts.facts.emplace_back(name, found->second);
      }
    }
    write_curves(folder_.metrics(), folder_.curves(), facts);
  }

  const TrainOptions options_;
  const TrainHooks& hooks_;
  const processes::Group& group_;
  TrainData data_;
  embed::Preparer preparer_;
  Examples examples_;
  Trainee model_;
  Learner learner_;
  std::int64_t steps_;
  Schedule schedule_;
  RunFolder folder_;
  RunState state_;
  std::int64_t saved_step_ = -1;
  double seconds_per_step_ = 0;
  bool broken_ = false;  // a loss was not finite
};

}  // namespace

void train(const TrainOptions& options, const TrainHooks& hooks, const processes::Group& group) {
  set_thread_count(options.load.threads);
  std::optional<Run> run;
  group.agree([&] { run.emplace(options, hooks, group); });
  run->run();
}

}  // namespace e5v::train
