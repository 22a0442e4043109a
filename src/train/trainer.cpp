#include "train/trainer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/file.h"
#include "base/parallel.h"
#include "embed/loading.h"
#include "embed/read_ahead.h"
#include "embed/vector_run.h"
#include "train/captioning.h"
#include "train/curves.h"
#include "train/metrics_log.h"
#include "train/write_checkpoint.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

template <class T>
std::string text_of(const T& value) {
  return fmt::format("{}", value);
}

std::string parts_text(const TrainedParts& parts) {
  std::vector<std::string_view> names;
  if (parts.lora) names.emplace_back("lora");
  if (parts.language_model) names.emplace_back("llm");
  if (parts.projector) names.emplace_back("projector");
  if (parts.vision) names.emplace_back("vision");
  return fmt::format("{}", fmt::join(names, ","));
}

/// What must agree for two runs to have the same losses, in the words of the program's options.
RunIdentity identity_of(const TrainOptions& o, const TrainData& data, const Trainee& model, std::int64_t steps) {
  RunIdentity identity{{"the model's weights", model.checkpoint().fingerprint().hex()},
                       {"the data", data.digest()},
                       {"--train", parts_text(o.trainee.parts)},
                       {"--dtype", std::string(name_of(model.precision()))},
                       {"--batch", text_of(o.data.batch)},
                       {"the number of steps (--epochs, --steps)", text_of(steps)},
                       {"--schedule", std::string(name_of(o.schedule))},
                       {"--lr", text_of(o.learning_rate)},
                       {"--warmup", text_of(o.warmup)},
                       {"--weight-decay", text_of(o.adamw.weight_decay)},
                       {"--clip", text_of(o.clip)},
                       {"--temperature", text_of(o.temperature)},
                       {"--seed", text_of(o.data.seed)},
                       {"--held-out", text_of(o.data.held_out)},
                       {"--max-tokens", text_of(o.examples.max_tokens)},
                       {"--paper-compat", text_of(o.examples.paper_prompts || o.examples.paper_masks)}};
  if (o.trainee.parts.lora) {
    identity["--rank"] = text_of(o.trainee.lora.rank);
    identity["--alpha"] = text_of(o.trainee.lora.alpha);
    identity["--dropout"] = text_of(o.trainee.lora.dropout);
    identity["--targets"] = fmt::format("{}", fmt::join(o.trainee.lora.targets, ","));
  }
  return identity;
}

TraineeOptions trainee_options(const TrainOptions& options, const TrainData& data) {
  TraineeOptions result = options.trainee;
  result.seed = options.data.seed;
  result.images = data.has_images();
  result.head = data.has_captions();
  if (options.input.dtype == ComputeType::f32) result.precision = nn::Precision::f32;
  if (options.input.dtype == ComputeType::bf16) result.precision = nn::Precision::bf16;
  return result;
}

embed::Preparer preparer_for(const TrainOptions& options) {
  const model::ModelConfig config = model::read_config(embed::check_folder(options.model));
  const model::Checkpoint checkpoint(options.model);
  const nn::Precision precision = embed::choose_precision(options.input.dtype, embed::stored_weights(checkpoint));
  return embed::make_preparer(options.model, config, checkpoint, precision, options.input);
}

std::vector<std::int64_t> sizes_of(const std::vector<Parameter>& parameters) {
  std::vector<std::int64_t> sizes;
  for (const Parameter& parameter : parameters) sizes.push_back(static_cast<std::int64_t>(parameter.values.size()));
  return sizes;
}

void check(const TrainOptions& o) {
  require(o.micro_batch > 0, "[train] --micro-batch {} is not positive", o.micro_batch);
  require(o.temperature > 0, "[train] --temperature {} is not positive", o.temperature);
  require(o.trainee.lora.dropout >= 0 && o.trainee.lora.dropout < 1, "[train] --dropout {} is not in [0, 1)",
          o.trainee.lora.dropout);
  require(o.steps >= 0 && (o.steps > 0 || o.epochs > 0), "[train] no steps to make");
  require(o.keep > 0 && o.save_every > 0 && o.evaluate_every > 0, "[train] intervals are counted from 1");
}

class Run {
 public:
  Run(const TrainOptions& options, const TrainHooks& hooks, const ranks::Group& group)
      : options_((check(options), options)),
        hooks_(hooks),
        group_(group),
        data_(shared(options.data, group)),
        preparer_(preparer_for(options)),
        examples_(preparer_, options.examples),
        model_(options.model, preparer_.preprocess(), trainee_options(options, data_)),
        parameters_(model_.parameters()),
        optimizer_(sizes_of(parameters_), options.adamw),
        contrastive_(model_, {options.micro_batch, options.temperature}, group),
        captioning_(model_, options.micro_batch, group),
        folder_(group.leads() ? RunFolder(options.output, options.resume, options.replace) : RunFolder(options.output)) {
    schedule_ = {options.schedule, options.learning_rate, options.warmup, steps()};
    state_.identity = identity_of(options, data_, model_, steps());
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
    embed::ReadAhead<StepBatch> ahead(
        [this, next = state_.step]() mutable { return next < steps() ? std::optional(data_.batch(next++, examples_)) : std::nullopt; },
        [](const StepBatch&) { return std::int64_t{1}; }, 2);
    try {
      while (state_.step < steps() && !stopped_early()) {
        check_stop();
        std::optional<StepBatch> batch;
        group_.agree([&] { batch = ahead.pop(); });
        StepReport report = step(*batch);
        const bool last = state_.step == steps();
        if (!held_out.empty() && (last || state_.step % options_.evaluate_every == 0)) evaluate(held_out, report);
        if (log) add_to(*log, report);
        if (hooks_.step && group_.leads()) hooks_.step(report);
        if (last || state_.step % options_.save_every == 0 || stopped_early()) save();
      }
    } catch (...) {  // interrupted, or a row that cannot be used: what was reached is kept
      if (!broken_) save();
      write_page();
      throw;
    }
    if (stopped_early()) say(fmt::format("no better on what is held out for {} evaluations: ended at step {}", options_.patience, state_.step));
    if (!kept_best_) write_result();
    write_page();
  }

 private:
  std::int64_t steps() const {
    if (options_.steps > 0) return options_.steps;
    return std::max<std::int64_t>(1, std::llround(options_.epochs * static_cast<double>(data_.steps_per_epoch())));
  }

  static TrainData::Options shared(TrainData::Options options, const ranks::Group& group) {
    options.rank = group.rank();
    options.ranks = group.size();
    return options;
  }

  void say(const std::string& message) const {
    if (hooks_.say && group_.leads()) hooks_.say(message);
  }

  /// A request to stop that reached one rank stops all behind the same step.
  void check_stop() const {
    double stops = 0;
    try {
      if (hooks_.check_stop) hooks_.check_stop();
    } catch (const embed::Interrupted&) {
      stops = 1;
    }
    if (group_.sum(stops) > 0) throw embed::Interrupted();
  }

  void resume() {
    if (!options_.resume) return;
    const std::optional<RunState> saved = folder_.newest();
    if (!saved) return;
    require_same_run(saved->identity, state_.identity);
    folder_.load(model_, optimizer_);
    state_ = *saved;
    saved_step_ = state_.step;
    kept_best_ = options_.patience > 0 && state_.best_held_out < std::numeric_limits<double>::max();
    say(fmt::format("goes on behind step {}", state_.step));
  }

  void announce() const {
    std::int64_t trained = 0;
    for (const Parameter& parameter : parameters_) trained += static_cast<std::int64_t>(parameter.values.size());
    say(fmt::format("{} pairs, {} steps of {}, {:.2f} M trained parameters ({}), {}", data_.rows(), steps(), options_.data.batch,
                    static_cast<double>(trained) / 1e6, parts_text(options_.trainee.parts), name_of(model_.precision())));
  }

  StepReport step(const StepBatch& batch) {
    const Clock::time_point start = Clock::now();
    StepReport report;
    report.steps = steps();
    report.epoch = batch.epoch;
    report.learning_rate = schedule_.at(state_.step);
    model_.clear_gradients();
    const nn::Dropout dropout{options_.trainee.parts.lora ? static_cast<float>(options_.trainee.lora.dropout) : 0,
                              static_cast<std::uint32_t>(options_.data.seed), static_cast<std::uint32_t>(state_.step)};
    if (batch.objective == Objective::contrastive) {
      const ContrastiveLoss loss = contrastive_.accumulate(batch.pairs, &dropout);
      report.loss = loss.loss, report.accuracy = loss.accuracy;
    } else {
      const CaptionLoss loss = captioning_.accumulate(batch.captions, &dropout);
      report.loss = loss.loss, report.accuracy = loss.accuracy;
    }
    const std::vector<TrainedSpan> spans(parameters_.begin(), parameters_.end());
    for (const TrainedSpan& span : spans) group_.sum(span.gradient);
    report.gradient_norm = clip_gradients(spans, options_.clip);
    require_finite("loss", report.loss);
    require_finite("norm of the gradients", report.gradient_norm);
    optimizer_.step(spans, report.learning_rate);
    model_.parameters_changed();
    report.step = ++state_.step;
    const double seconds = seconds_since(start);
    seconds_per_step_ = seconds_per_step_ == 0 ? seconds : 0.9 * seconds_per_step_ + 0.1 * seconds;
    report.tokens_per_second = group_.sum(static_cast<double>(batch.tokens())) / seconds;
    report.seconds_left = seconds_per_step_ * static_cast<double>(report.steps - report.step);
    return report;
  }

  /// The parameters that lead to such a number are not worth keeping.
  void require_finite(const char* what, double value) {
    if (std::isfinite(value)) return;
    broken_ = true;
    const std::optional<RunState> kept = folder_.newest();
    fail<ModelError>("[step {}] the {} is {}; {}", state_.step + 1, what, value,
                     kept ? fmt::format("the state of step {} is kept", kept->step) : "no state was saved before");
  }

  void evaluate(const std::vector<StepBatch>& held_out, StepReport& report) {
    double loss = 0, accuracy = 0, weight = 0;
    for (const StepBatch& batch : held_out) {
      const bool contrastive = batch.objective == Objective::contrastive;
      const auto own = static_cast<double>(batch.total);
      double batch_loss = 0, batch_accuracy = 0;
      if (contrastive) {
        const ContrastiveLoss result = contrastive_.evaluate(batch.pairs);
        batch_loss = result.loss, batch_accuracy = result.accuracy;
      } else {
        const CaptionLoss result = captioning_.evaluate(batch.captions);
        batch_loss = result.loss, batch_accuracy = result.accuracy;
      }
      loss += own * batch_loss, accuracy += own * batch_accuracy, weight += own;
    }
    report.held_out_loss = loss / weight;
    report.held_out_accuracy = accuracy / weight;
    const bool better = *report.held_out_loss < state_.best_held_out;
    state_.best_held_out = std::min(state_.best_held_out, *report.held_out_loss);
    state_.worse_evaluations = better ? 0 : state_.worse_evaluations + 1;
    if (better && options_.patience > 0) {
      write_result();
      kept_best_ = true;
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
    folder_.save(state_, model_, optimizer_, options_.keep);
    saved_step_ = state_.step;
  }

  void write_result() const {
    if (!group_.leads()) return;
    if (model_.lora() != nullptr) {
      fs::create_directories(folder_.path() / "adapter");
      model_.lora()->adapter().write(folder_.path() / "adapter");
    }
    if (model_.weights().empty()) return;
    write_checkpoint(options_.model, folder_.path() / "model", true, [&](const model::Checkpoint::Stored& stored) -> std::optional<tensor::Tensor> {
      const auto& weights = model_.weights();
      const auto found = std::ranges::find(weights, stored.canonical, &Trainee::Weight::name);
      return found == weights.end() ? std::nullopt : std::optional(to_f32(found->values.view()));
    }, nullptr);
  }

  void write_page() const {
    if (state_.step == 0 || !group_.leads()) return;
    RunFacts facts;
    facts.title = fmt::format("Training of {}", options_.model.filename().string());
    for (const DataSource& source : options_.data.sources) facts.facts.emplace_back("data", source.file.filename().string());
    facts.facts.emplace_back("pairs", text_of(data_.rows()));
    for (const char* name : {"--train", "--dtype", "--batch", "--lr", "--schedule", "--warmup", "--temperature", "--rank", "--seed"}) {
      if (const auto found = state_.identity.find(name); found != state_.identity.end()) {
        facts.facts.emplace_back(found->first.substr(2), found->second);
      }
    }
    write_curves(folder_.metrics(), folder_.curves(), facts);
  }

  const TrainOptions& options_;
  const TrainHooks& hooks_;
  const ranks::Group& group_;
  TrainData data_;
  embed::Preparer preparer_;
  Examples examples_;
  Trainee model_;
  std::vector<Parameter> parameters_;
  AdamW optimizer_;
  GradCache contrastive_;
  Captioning captioning_;
  RunFolder folder_;
  Schedule schedule_;
  RunState state_;
  std::int64_t saved_step_ = -1;
  double seconds_per_step_ = 0;
  bool kept_best_ = false;
  bool broken_ = false;  // a loss was no number
};

}  // namespace

void train(const TrainOptions& options, const TrainHooks& hooks, const ranks::Group& group) {
  set_thread_count(options.input.threads);
  std::optional<Run> run;
  group.agree([&] { run.emplace(options, hooks, group); });
  run->run();
}

}  // namespace e5v::train
