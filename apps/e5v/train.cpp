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
  display.say(fmt::format("{} holds {} and curves.html", options.output.string(), results_of(options.trainee.parts)));
  return kSuccess;
}

constexpr const char* kTrainDescription =
    "train a model on pairs with the same meaning\n"
    "\n"
    "By default this is E5-V's recipe: pairs of sentences, with hard negatives where the file has them, train LoRA "
    "adapters of the language model. Vectors of images improve too, although the training sees no image. --train "
    "selects other parts of the model, and pairs may hold images.";

constexpr const char* kTrainFooter =
    "Files of pairs: .csv and .tsv files begin with a line of column names. sent0 and sent1 are sentences with the "
    "same "
    "meaning; hard_neg, if there, is a sentence with another meaning. image0 and image1 are paths of images. Pairs "
    "with "
    "the same value of group have the same meaning. .jsonl files have these names as keys of an object on each line. "
    ".txt files have a sentence on each line, which is its own positive under another dropout (unsupervised SimCSE).\n"
    "\n"
    "--micro-batch changes memory, not results: loss and gradients are those of the whole batch (GradCache). A run "
    "that "
    "was interrupted or killed continues with --resume and has the losses of an uninterrupted run. Under mpirun -n N, "
    "N "
    "processes share every batch, and the losses are the same.\n"
    "\n"
    "The output folder holds adapter/ or model/ (the result), metrics.jsonl (a line for each step), curves.html (the "
    "learning curves) and checkpoints/ (saved states).\n"
    "\n"
    "Examples:\n"
    "  e5v train --model llava-next --pairs nli_for_simcse.csv --batch 768 --output run\n"
    "  e5v train --model llava-next --pairs nli.csv --held-out 500 --patience 5 --output run\n"
    "  e5v embed --model llava-next --adapter run/adapter --text 'A dog runs.'\n"
    "  e5v train --model small --train all --captions images.csv --pairs pairs.csv --lr 1e-3 --output run";

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
  add_table(
      command,
      {
          {"--pairs", repeated(add_pairs, "FILE"),
           "a file of pairs for the contrastive loss; the option may be given many times"},
          {"--captions", repeated(add_captions, "FILE"),
           "a file of pairs whose second half is predicted token by token from the first, as in the training that "
           "turns a language model into a multimodal one; the option may be given many times"},
          {"--held-out", whole(o.data.held_out, 0), "the number of rows of each file that are held out for evaluation"},
          {"--evaluate", text(all.held_out_file, "FILE"), "the file of pairs to evaluate with"},
          {"--evaluate-every", whole(o.evaluate_every, 1), "the number of steps between evaluations"},
          {"--patience", whole(o.patience, 1),
           "the number of evaluations without a new minimum of the held-out loss after which the run stops; the best "
           "state is then the result",
           "no early stop"},
          {"--max-tokens", whole(o.examples.max_tokens, 0),
           "the maximum number of tokens of a sentence; longer sentences are cut, 0 cuts none"},
          {"--caption-prompt", text(o.examples.caption_prompt, "PROMPT").checked(check_caption_prompt),
           "the prompt that precedes the caption of an image: a name, or a template with <image>"},
      });
}

void add_loss_options(CLI::App& command, train::TrainOptions& o) {
  using train::TrainData;
  add_table(
      command,
      {
          {"--batch", whole(o.data.batch, 1),
           "the number of pairs in a step, which are negatives of each other; the paper has 768",
           fmt::format("{}, or all pairs where there are fewer", TrainData::kDefaultBatch)},
          {"--micro-batch", whole(o.micro_batch, 1),
           "the number of pairs that are computed together; it changes memory, not results"},
          {"--temperature", real(o.loss.temperature, train::kMinTemperature, train::kMaxTemperature),
           "the temperature of the contrastive loss"},
          {"--symmetric", flag(o.loss.symmetric),
           "average the losses of both directions, from anchors to positives and from positives to anchors, as is "
           "usual for images and texts"},
          {"--together", whole(o.data.together, 0),
           "the number of rows of a group that come into a batch together; they are positives of each other "
           "(supervised contrastive loss). With 0, rows of a group are only not negatives of each other"},
          {"--augment", real(o.examples.augment, 0, 2),
           "the strength of the random changes to each image whenever it is seen (movement, colours, outlines and "
           "more): 0 changes nothing, 1 is strong"},
      });
}

void add_recipe_options(CLI::App& command, train::TrainOptions& o, TrainCommand& all) {
  add_table(
      command,
      {
          {"--train", names(all.parts, "PARTS"),
           "the parts that are trained, separated by commas: lora (adapters of the language model), llm, projector, "
           "vision, all"},
          {"--epochs", real(o.epochs, 1e-6, train::kMaxEpochs), "the number of passes over all pairs"},
          {"--steps", whole(o.steps, 1), "the number of steps", "as many as the epochs have"},
          {"--lr", real(o.learning_rate, 0, 10), "the peak of the learning rate"},
          {"--schedule", choice(all.schedule, {"linear", "cosine", "constant"}, "SHAPE"),
           "the shape of the learning rate after the warmup: linear, cosine or constant"},
          {"--warmup", whole(o.warmup, 0), "the number of steps in which the learning rate rises from 0 to its peak"},
          {"--muon", flag(o.optimizer.muon),
           "train the matrices inside the network with Muon (momentum with orthogonalised updates) and all other "
           "parameters with AdamW; from random weights this takes a fraction of the steps"},
          {"--weight-decay", real(o.optimizer.weight_decay, 0, 1e3), "the weight decay of the optimizer"},
          {"--beta2", real(o.optimizer.beta2, 0, 1), "the decay rate of AdamW's second moments"},
          {"--clip", real(o.clip, 1e-6, 1e12), "the maximum norm of the gradients; larger gradients are scaled to it"},
          {"--rank", whole(o.trainee.lora.rank, 1), "the LoRA rank of the adapters",
           fmt::format("{}, or the smallest side of a matrix where that is less", train::LoraOptions::kDefaultRank)},
          {"--alpha", real(o.trainee.lora.alpha, 0, 1e6), "the LoRA alpha: updates are scaled by alpha / rank"},
          {"--dropout", real(o.trainee.lora.dropout, 0, 1), "the dropout rate of the adapters' inputs"},
          {"--targets", names(o.trainee.lora.targets, "NAMES"), "the matrices that get adapters, separated by commas"},
          {"--seed", seed(o.data.seed), "the random seed of the order, the adapters and the dropout"},
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
  add_table(*sub, {
                      {"--paper-compat", flag(prepare.paper_compat),
                       "train as E5-V's own code does, faults included: the special tokens of the chat header are "
                       "spelled out as text, and padding is attended to"},
                      {"--image-alpha", alpha_choice(prepare.alpha), kAlphaDescription, kAlphaOtherwise},
                  });  // in this command --alpha is the LoRA alpha
  sub->callback([command] { check_usage(*command); });
  return [command] { return run_train(*command); };
}

}  // namespace e5v::app
