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
  std::vector<std::string> pairs, captions, parts{"lora"};
  std::string schedule = "linear", held_out_file;
};

/// The progress of a run. On a terminal, one line is rewritten; elsewhere, a line is printed every ten seconds.
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
      line += fmt::format("  held-out: loss {:.4f}, accuracy {:.3f}", *r.held_out_loss, *r.held_out_accuracy);
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
  if (!parts.lora) return "model/ (a checkpoint)";
  if (!parts.weights()) return "adapter/ (for --adapter, e5v merge and PEFT)";
  return "model/ (a checkpoint), adapter/ (its adapter, for --adapter, e5v merge and PEFT)";
}

int run_train(TrainCommand& command) {
  const processes::Group group = processes::Group::join();
  share_cores(group, command.model.load);
  train::TrainOptions& options = command.options;
  options.model = command.model.folder;
  options.load = command.model.load;
  options.prepare = command.model.prepare;
  for (const std::string& file : command.pairs) options.data.sources.push_back({file, Objective::contrastive});
  for (const std::string& file : command.captions) options.data.sources.push_back({file, Objective::captions});
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
    if (group.leads()) tell("e5v: interrupted; nothing new was saved\n");
  });
  try {
    train::train(options, hooks, group);
  } catch (const Interrupted&) {
    if (group.leads()) display.say("interrupted; continue with --resume");
    const int signal = InterruptScope::signal();
    return 128 + (signal != 0 ? signal : SIGTERM);  // another process may have received it
  } catch (...) {
    display.clear();
    throw;
  }
  if (!group.leads()) return kSuccess;
  display.say(fmt::format("the folder {} contains {} and curves.html", options.output.string(),
                          results_of(options.trainee.parts)));
  return kSuccess;
}

constexpr const char* kTrainDescription =
    "train a model on pairs of inputs; the two inputs of a pair have the same meaning\n"
    "\n"
    "The default is E5-V's recipe: it trains LoRA adapters of the language model on pairs of sentences, "
    "with hard negatives if the file has them. In E5-V's paper, this also improves the vectors of "
    "images, although the training data contain no images. --train selects other parts of the model. "
    "Pairs can contain images.";

constexpr const char* kTrainFooter =
    "Files of pairs: a .csv or .tsv file begins with a line of column names. sent0 and sent1 are "
    "sentences with the same meaning. hard_neg is optional; it is a similar sentence with another "
    "meaning. image0 and image1 are paths of images. Pairs with the same value in group mean the same as "
    "one another, so they are not used as negatives of each other. A .jsonl file has one object per line with these "
    "names as keys. A .txt file has one sentence per line. The positive of each sentence is the same sentence with a "
    "different dropout mask "
    "(unsupervised SimCSE); this needs --train lora, because only adapters have dropout.\n"
    "\n"
    "Batches: --micro-batch changes the memory and the time, but not the result. The loss and the "
    "gradients are those of the whole batch (GradCache). Under mpirun -n N, N processes share every "
    "batch, and the losses are the same up to rounding.\n"
    "\n"
    "Resuming: --resume continues a run that was interrupted or killed. Its losses are those of an "
    "uninterrupted run.\n"
    "\n"
    "Output: the output folder holds the result (adapter/ or model/), metrics.jsonl (one line per step), "
    "curves.html (the learning curves) and checkpoints/ (saved states).\n"
    "\n"
    "Examples:\n"
    "  e5v train --model llava-next --pairs nli_for_simcse.csv --batch 768 --output run\n"
    "  e5v train --model llava-next --pairs nli.csv --held-out 500 --patience 5 --output run\n"
    "  e5v embed --model llava-next --adapter run/adapter --text 'A dog runs.'\n"
    "  e5v train --model small --train all --captions pictures.csv --pairs pairs.csv --lr 1e-3 --output "
    "run";

/// The prompt in front of a caption is one of images.
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

void add_data_options(CLI::App& command, train::TrainOptions& o, TrainCommand& all) {
  const auto add_pairs = [&all](const std::string& file) { all.pairs.emplace_back(file); };
  const auto add_captions = [&all](const std::string& file) { all.captions.emplace_back(file); };
  add_table(command,
            {
                {"--pairs", repeated(add_pairs, "FILE"),
                 "a file of pairs for the contrastive loss; this option can be given several times"},
                {"--captions", repeated(add_captions, "FILE"),
                 "a file of pairs for the captioning loss: the model predicts the tokens of the second half from the "
                 "first half, as in the training that turns a language model into a multimodal model; this option can "
                 "be given several times"},
                {"--held-out", whole(o.data.held_out, 0),
                 "the number of pairs of each file that are held out for evaluation"},
                {"--evaluate", text(all.held_out_file, "FILE"), "a file of held-out pairs for evaluation"},
                {"--evaluate-every", whole(o.evaluate_every, 1), "the number of steps between evaluations"},
                {"--patience", whole(o.patience, 1),
                 "the number of evaluations in a row without a lower held-out loss after which the run stops early; "
                 "the result is then the state with the lowest loss",
                 "the run does not stop early"},
                {"--max-tokens", whole(o.examples.max_tokens, 0),
                 "the maximum number of tokens of a sentence; longer sentences are cut. With 0, no sentence is cut"},
                {"--caption-prompt", text(o.examples.caption_prompt, "PROMPT").checked(check_caption_prompt),
                 "the prompt of images before their captions, by name or as a template with <image>"},
            });
}

void add_loss_options(CLI::App& command, train::TrainOptions& o) {
  using train::TrainData;
  add_table(command,
            {
                {"--batch", whole(o.data.batch, 1),
                 "the number of pairs per step, which serve as negatives of each other; the paper uses 768",
                 fmt::format("{}, or all pairs of the largest file if it has fewer", TrainData::kDefaultBatch)},
                {"--micro-batch", whole(o.micro_batch, 1),
                 "the number of pairs that are computed together; this changes the memory and the time, but not the "
                 "result"},
                {"--temperature", real(o.loss.temperature, train::kMinTemperature, train::kMaxTemperature),
                 "the temperature of the contrastive loss"},
                {"--symmetric", flag(o.loss.symmetric),
                 "average the losses of both directions, from anchors to positives and from positives to anchors; "
                 "this is usual for pairs of images and texts"},
                {"--together", whole(o.data.together, 0),
                 "the number of pairs of a group that are put into one batch; they are positives of each other "
                 "(supervised contrastive loss). With 0, pairs of a group are only excluded from each other's "
                 "negatives"},
                {"--augment", real(o.examples.augment, 0, 2),
                 "the strength of the augmentation of images: each use of an image changes it at random (position, "
                 "mirroring, colours, outlines and more). 0 changes nothing, and 1 is strong"},
            });
}

void add_recipe_options(CLI::App& command, train::TrainOptions& o, TrainCommand& all) {
  add_table(
      command,
      {
          {"--train", names(all.parts, "PARTS"),
           "the parts to train, separated by commas: lora (LoRA adapters of the language model), llm (its "
           "weights), projector, vision, or all"},
          {"--epochs", real(o.epochs, 1e-6, train::kMaxEpochs), "the number of passes over all pairs"},
          {"--steps", whole(o.steps, 1), "the number of steps", "the number of steps in --epochs"},
          {"--lr", real(o.learning_rate, 0, 10), "the peak of the learning rate"},
          {"--schedule", choice(all.schedule, {"linear", "cosine", "constant"}, "SHAPE"),
           "the shape of the learning rate after the warmup: linear, cosine or constant"},
          {"--warmup", whole(o.warmup, 0), "the number of steps in which the learning rate rises from 0 to its peak"},
          {"--muon", flag(o.optimizer.muon),
           "train the matrices inside the network with Muon (momentum with orthogonalised updates) and all "
           "other parameters with AdamW; from random initial weights, Muon needs far fewer steps"},
          {"--weight-decay", real(o.optimizer.weight_decay, 0, 1e3), "the weight decay of the optimizer"},
          {"--beta2", real(o.optimizer.beta2, 0, 1), "the decay rate of AdamW's second moments"},
          {"--clip", real(o.clip, 1e-6, 1e12),
           "the maximum norm of the gradients; larger gradients are scaled down to it"},
          {"--rank", whole(o.trainee.lora.rank, 1), "the LoRA rank of the adapters",
           fmt::format("{}, or less if a matrix has a smaller side", train::LoraOptions::kDefaultRank)},
          {"--alpha", real(o.trainee.lora.alpha, 0, 1e6),
           "the LoRA alpha; the product of the LoRA matrices is multiplied by alpha / rank"},
          {"--dropout", real(o.trainee.lora.dropout, 0, 1), "the dropout rate of the inputs of the adapters"},
          {"--targets", names(o.trainee.lora.targets, "NAMES"), "the matrices that get adapters, separated by commas"},
          {"--seed", seed(o.data.seed),
           "the random seed of the order of pairs, the initial adapters, the dropout and the augmentation"},
      });
}

void add_run_options(CLI::App& command, train::TrainOptions& o) {
  add_table(command, {
                         {"--output", path(o.output, "DIR").required(), "the folder of the run"},
                         {"--save-every", whole(o.save_every, 1), "the number of steps between saved states"},
                         {"--keep", whole(o.keep, 1), "the number of saved states that are kept"},
                         {"--resume", flag(o.resume), "continue the run in the output folder"},
                         {"--force", flag(o.replace), "replace the run in the output folder"},
                     });
  command.get_option("--force")->excludes(command.get_option("--resume"));
}

void check_usage(const TrainCommand& command) {
  if (command.pairs.empty() && command.captions.empty()) throw CLI::RequiredError("--pairs or --captions");
  const bool held_out = command.options.data.held_out > 0 || !command.held_out_file.empty();
  if (command.options.patience > 0 && !held_out)
    throw CLI::ValidationError("--patience", "needs --held-out or --evaluate");
}

}  // namespace

Run add_train(CLI::App& app) {
  const auto command = std::make_shared<TrainCommand>();
  CLI::App* sub = app.add_subcommand("train", kTrainDescription)->footer(kTrainFooter);
  add_model_options(*sub, command->model);
  add_data_options(*sub, command->options, *command);
  add_loss_options(*sub, command->options);
  add_recipe_options(*sub, command->options, *command);
  add_run_options(*sub, command->options);
  PrepareOptions& prepare = command->model.prepare;
  add_table(
      *sub,
      {
          {"--paper-compat", flag(prepare.paper_compat),
           "train as E5-V's original code did, including its bugs: for example, the special tokens of Llama 3's "
           "chat frame are tokenized as plain text, and attention includes padding. Images are preprocessed as "
           "in transformers 4.41.2, and the default of --image-alpha is drop; only --captions may have images then"},
          {"--image-alpha", alpha_choice(prepare.alpha), kAlphaDescription, kAlphaOtherwise},
      });  // --alpha is the LoRA alpha here
  sub->callback([command] { check_usage(*command); });
  return [command] { return run_train(*command); };
}

}  // namespace e5v::app
