#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "base/error.h"
#include "base/interrupted.h"
#include "base/log.h"
#include "base/progress.h"
#include "commands.h"
#include "interrupt.h"
#include "options.h"
#include "processes/group.h"
#include "terminal.h"
#include "text/prompt.h"
#include "train/trainer.h"

namespace e5v::app {
namespace {

using train::Objective;
using train::StepReport;

struct TrainCommand {
  ModelOptions model;
  train::TrainOptions options;
  std::vector<std::string> parts{"lora"};
  std::string schedule = "linear", held_out_file;
};

/// How a run goes: one line that is rewritten on a terminal, a line now and then elsewhere.
class Display {
 public:
  void say(const std::string& message) {
    clear();
    tell("e5v: {}\n", one_line(message));
  }

  void show(const StepReport& report) {
    const auto now = Clock::now();
    const bool last = report.step == report.steps, evaluated = report.held_out_loss.has_value();
    const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(10);
    if (!last && !evaluated && now - shown_ < pause) return;
    shown_ = now;
    clear();
    const std::string line = fitting(line_of(report));
    tell("{}{}", line, terminal_ && !evaluated && !last ? "" : "\n");
    open_ = terminal_ && !evaluated && !last;
    std::fflush(stderr);
  }

  void clear() {
    if (open_) tell("\r\x1b[K");
    open_ = false;
  }

 private:
  using Clock = std::chrono::steady_clock;

  static std::string line_of(const StepReport& r) {
    std::string line = fmt::format(
        "step {}/{}  epoch {:.2f}  loss {:.4f}  accuracy {:.3f}  lr {:.2e}  norm {:.2f}  {:.0f} tokens/s", r.step,
        r.steps, r.epoch, r.loss, r.accuracy, r.learning_rate, r.gradient_norm, r.tokens_per_second);
    if (r.held_out_loss)
      line += fmt::format("  held out: loss {:.4f}, accuracy {:.3f}", *r.held_out_loss, *r.held_out_accuracy);
    if (r.step < r.steps) line += "  " + duration_text(r.seconds_left) + " left";
    return line;
  }

  std::string fitting(const std::string& line) const {
    const int columns = terminal_columns(STDERR_FILENO);
    return terminal_ && columns > 0 && display_width(line) >= columns ? fitted(line, columns - 1) : line;
  }

  bool terminal_ = ::isatty(STDERR_FILENO) == 1, open_ = false;
  Clock::time_point shown_{};
};

const char* results_of(const train::TrainedParts& parts) {
  if (!parts.lora) return "model/ (a checkpoint like any other)";
  if (!parts.weights()) return "adapter/ (for --adapter, e5v merge and PEFT)";
  return "model/ (a checkpoint like any other), adapter/ (for it; for --adapter, e5v merge and PEFT)";
}

int run_train(TrainCommand& command) {
  const processes::Group group = processes::Group::join();
  share_cores(group, command.model);
  train::TrainOptions& options = command.options;
  options.model = command.model.folder;
  options.load = command.model.load;
  options.prepare = command.model.prepare;
  options.trainee.parts = train::TrainedParts::from(command.parts);
  options.schedule = train::schedule_shape(command.schedule);
  options.data.held_out_file = command.held_out_file;
  options.examples.seed = options.data.seed;
  options.examples.paper_prompts = options.examples.paper_masks = options.prepare.paper_compat;
  Display display;
  train::TrainHooks hooks;
  hooks.say = [&](const std::string& message) { display.say(message); };
  hooks.step = [&](const StepReport& report) { display.show(report); };
  hooks.check_stop = InterruptScope::check;
  hooks.unsaved = InterruptScope::wait_for_good_moment;
  const InterruptScope interrupts([&] {
    if (group.leads()) tell("e5v: interrupted; nothing new was kept\n");
  });
  try {
    train::train(options, hooks, group);
  } catch (const Interrupted&) {
    if (group.leads()) display.say("interrupted; continue with --resume");
    const int signal = InterruptScope::signal();
    return 128 + (signal != 0 ? signal : SIGTERM);  // another process may have had it
  } catch (...) {
    display.clear();
    throw;
  }
  if (!group.leads()) return kSuccess;
  display.say(fmt::format("{} holds {} and curves.html", options.output.string(), results_of(options.trainee.parts)));
  return kSuccess;
}

constexpr const char* kDescription =
    "train a model on pairs that mean the same\n"
    "\n"
    "E5-V's recipe: pairs of sentences, with hard negatives where the file has them, train LoRA adapters on the "
    "language "
    "model alone; images profit although none is seen. Weights of parts can be trained as well, on images too.";

constexpr const char* kFooter =
    "Files of pairs: .csv and .tsv begin with column names: sent0, sent1 and perhaps hard_neg; image0 and image1 are "
    "paths of images; group names what pairs of the same meaning share. .jsonl has the same names as keys. .txt has a "
    "sentence a line, each its own positive under another "
    "dropout (unsupervised SimCSE).\n"
    "\n"
    "A batch is exact whatever --micro-batch is: loss and gradients are those of the whole (GradCache). A run that was "
    "stopped, by Ctrl-C or by force, goes on with --resume as if it had not been. Under mpirun -n N, N processes share "
    "every batch, and the losses are the same.\n"
    "\n"
    "In the output folder: adapter/ or model/, metrics.jsonl (a line a step), curves.html (look at it), checkpoints/.\n"
    "\n"
    "Examples:\n"
    "  e5v train --model llava-next --pairs nli_for_simcse.csv --batch 768 --output run\n"
    "  e5v train --model llava-next --pairs nli.csv --held-out 500 --patience 5 --output run\n"
    "  e5v embed --model llava-next --adapter run/adapter --text 'A dog runs.'\n"
    "  e5v train --model small --train all --captions pictures.csv --pairs pairs.csv --lr 1e-3 --output run";

/// Files of pairs are asked for a caption under a prompt of images.
std::string check_caption_prompt(const std::string& prompt) {
  try {
    const std::string text = text::prompt_template(prompt, text::ChatStyle::llama3);
    return text.find("<image>") == std::string::npos || text.find("<sent>") != std::string::npos
               ? fmt::format("expected a prompt with <image> alone, found {}", prompt)
               : "";
  } catch (const InvalidInput& error) {
    return error.what();
  }
}

void add_data_options(CLI::App& command, train::TrainOptions& options, TrainCommand& all) {
  const auto add = [&](const char* name, Objective objective, const char* description) {
    command
        .add_option_function<std::vector<std::string>>(
            name,
            [&options, objective](const std::vector<std::string>& files) {
              for (const std::string& file : files) options.data.sources.push_back({file, objective});
            },
            description)
        ->option_text("FILE");
  };
  add("--pairs", Objective::contrastive, "file of pairs to tell from others (contrastive); may be given many times");
  add("--captions", Objective::captions,
      "file of pairs whose second half is spelled token by token behind the first, as the stage that makes an MLLM "
      "does; "
      "may be given many times");
  add_number(command, "--held-out", options.data.held_out, std::int64_t{0},
             "rows of each file that are kept for evaluation (0)");
  command.add_option("--evaluate", all.held_out_file, "file of pairs to evaluate with")->option_text("FILE");
  add_number(command, "--evaluate-every", options.evaluate_every, std::int64_t{1}, "steps between evaluations (100)");
  add_number(command, "--patience", options.patience, std::int64_t{1},
             "stop after so many evaluations without a new best, and keep the best");
  add_number(command, "--max-tokens", options.examples.max_tokens, std::int64_t{0},
             "cut sentences to so many tokens (32); 0: never");
  command
      .add_option("--caption-prompt", options.examples.caption_prompt,
                  "prompt in front of an image's caption: a name, or a template with <image> (image)")
      ->option_text("PROMPT")
      ->check(CLI::Validator(check_caption_prompt, "PROMPT"));
}

void add_recipe_options(CLI::App& command, train::TrainOptions& o, TrainCommand& all) {
  command
      .add_option("--train", all.parts,
                  "what is trained: lora, llm, projector, vision, all; more than one by commas (lora)")
      ->option_text("PARTS")
      ->delimiter(',');
  add_number(command, "--batch", o.data.batch, std::int64_t{1},
             "pairs of a step, all told from each other (64, or all where there are fewer; the paper 768)");
  add_number(command, "--micro-batch", o.micro_batch, std::int64_t{1},
             "pairs computed together: memory, not results (8)");
  add_real(command, "--epochs", o.epochs, 1e-6, train::kMostEpochs, "times that all pairs are seen");
  add_number(command, "--steps", o.steps, std::int64_t{1}, "steps, instead of epochs");
  add_real(command, "--lr", o.learning_rate, 0.0, 10.0, "highest learning rate");
  command
      .add_option("--schedule", all.schedule,
                  "of the learning rate behind the warmup: linear, cosine, constant (linear)")
      ->option_text("SHAPE")
      ->check(CLI::IsMember({"linear", "cosine", "constant"}));
  add_number(command, "--warmup", o.warmup, std::int64_t{0}, "steps in which the learning rate rises (100)");
  add_real(command, "--temperature", o.loss.temperature, train::kLeastTemperature, train::kMostTemperature,
           "of the contrastive loss");
  command.add_flag("--symmetric", o.loss.symmetric,
                   "let positives look for their anchors, too: the mean of both losses, as for images and texts");
  add_number(command, "--together", o.data.together, std::int64_t{0},
             "rows of a group that come into a batch together; all of a group then look for each other (supervised "
             "contrastive), instead of only being no negatives (0)");
  add_real(
      command, "--augment", o.examples.augment, 0.0f, 2.0f,
      "how strongly images are changed at random whenever they are seen: moved, coloured, drawn with outlines; 1 is "
      "much");
  command.add_flag("--muon", o.optimizer.muon,
                   "matrices inside the network follow Muon (momentum with its directions evened out), all else AdamW: "
                   "learns from random weights in a fraction of the steps");
  add_real(command, "--weight-decay", o.optimizer.weight_decay, 0.0, 1e3, "of the parameters in every step");
  add_real(command, "--beta2", o.optimizer.beta2, 0.0, 1.0,
           "of AdamW: how much of the gradients' mean square is kept from step to step");
  add_real(command, "--clip", o.clip, 1e-6, 1e12, "largest norm of the gradients");
  add_number(command, "--rank", o.trainee.lora.rank, std::int64_t{1},
             "of the adapters (64; the smallest side of a matrix where that is less)");
  add_real(command, "--alpha", o.trainee.lora.alpha, 0.0, 1e6, "of the adapters: they weigh alpha / rank");
  add_real(command, "--dropout", o.trainee.lora.dropout, 0.0, 1.0, "of the adapters' inputs");
  command
      .add_option("--targets", o.trainee.lora.targets, "matrices that get adapters, by commas (all seven of a block)")
      ->option_text("NAMES")
      ->delimiter(',');
  add_seed_option(command, o.data.seed, "of order, adapters and dropout (42)");
}

void add_run_options(CLI::App& command, train::TrainOptions& options) {
  command.add_option("--output", options.output, "folder of the run")->option_text("DIR")->required();
  add_number(command, "--save-every", options.save_every, std::int64_t{1}, "steps between saved states (100)");
  add_number(command, "--keep", options.keep, std::int64_t{1}, "saved states that are kept (3)");
  CLI::Option* resume =
      command.add_flag("--resume", options.resume, "go on where the run in the output folder was stopped");
  command.add_flag("--force", options.replace, "replace the run in the output folder")->excludes(resume);
}

void check_usage(const TrainCommand& command) {
  if (command.options.data.sources.empty()) throw CLI::RequiredError("--pairs or --captions");
  const bool held_out = command.options.data.held_out > 0 || !command.held_out_file.empty();
  if (command.options.patience > 0 && !held_out)
    throw CLI::ValidationError("--patience", "needs --held-out or --evaluate");
}

}  // namespace

Run add_train(CLI::App& app) {
  const auto command = std::make_shared<TrainCommand>();
  CLI::App* sub = app.add_subcommand("train", kDescription)->footer(kFooter);
  add_model_options(*sub, command->model);
  add_data_options(*sub, command->options, *command);
  add_recipe_options(*sub, command->options, *command);
  add_run_options(*sub, command->options);
  sub->add_flag("--paper-compat", command->model.prepare.paper_compat,
                "train as E5-V's own code does, faults included: the header's tokens spelled out, pads attended to");
  add_alpha_option(*sub, command->model.prepare.alpha, "--image-alpha");  // --alpha is that of the adapters
  sub->callback([command] { check_usage(*command); });
  return [command] { return run_train(*command); };
}

}  // namespace e5v::app
