#include <fmt/format.h>
#include <unistd.h>

#include <optional>

#include "base/error.h"
#include "base/interrupted.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/standard_output.h"
#include "commands.h"
#include "inspect/info.h"
#include "interrupt.h"
#include "model/checkpoint.h"
#include "model/config_parts.h"
#include "model/model_folder.h"
#include "options.h"
#include "quantize/check.h"
#include "quantize/quantizer.h"
#include "terminal.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;

struct QuantizeCommand {
  fs::path model, output;
  std::string format, calibrate, check;
  std::int64_t group = 0;
  int threads = 0;
  bool no_smooth = false, no_compensate = false, all_int4 = false, force = false;
};

using Items = std::vector<runs::ItemList::Entry>;

Items read_items(const std::string& file) {
  const auto source = runs::ItemReader::open(file, InterruptScope::check);
  Items items;
  while (std::optional<runs::Item> item = source->next()) items.push_back({std::move(*item), source->where()});
  require(!items.empty(), "[{}] holds no items", file);
  return items;
}

tensor::WeightFormat format_of(const std::string& name) {
  using tensor::WeightFormat;
  for (const WeightFormat format : {WeightFormat::int4, WeightFormat::nf4}) {
    if (name == name_of(format)) return format;
  }
  return WeightFormat::int8;
}

void write_model(const QuantizeCommand& command) {
  quantize::QuantizeOptions options;
  options.model = command.model;
  options.output = command.output;
  options.format = format_of(command.format);
  options.group = command.group;
  options.smooth = !command.no_smooth && command.format != "nf4";
  options.compensate = !command.no_compensate;
  if (command.all_int4) options.wide = quantize::Wide::nothing;
  options.force = command.force;
  options.check_stop = InterruptScope::check;
  if (!command.calibrate.empty()) options.calibration = read_items(command.calibrate);
  std::optional<Progress> progress;
  double before = 0, after = 0;
  options.done = [&](const quantize::BlockReport& report) {
    if (!progress) progress.emplace("blocks", report.blocks);
    progress->advance(1);
    for (const quantize::Smoothing* s : {&report.attention, &report.output, &report.mlp, &report.down}) {
      before += s->error_before / static_cast<double>(4 * report.blocks);
      after += s->error / static_cast<double>(4 * report.blocks);
    }
  };
  quantize::quantize_checkpoint(options);
  progress.reset();
  const auto bytes = model::Checkpoint(command.output).bytes();
  const auto original = model::Checkpoint(model::find_model_folder(command.model)).bytes();
  std::string text = fmt::format("{} written as {}: {} of {}", command.output.string(), command.format,
                                 inspect::bytes_text(bytes), inspect::bytes_text(original));
  if (options.smooth) {
    const bool compensated = options.compensate && options.format == tensor::WeightFormat::int4;
    text += fmt::format("; mean square error of a product{} {:.2e}, without smoothing {:.2e}",
                        compensated ? " before compensation" : "", after, before);
  }
  write_stream(stdout, text + "\n");
}

void check_model(const QuantizeCommand& command, const Items& items) {
  constexpr std::size_t kWorst = 5;
  std::optional<Progress> progress(std::in_place, "vectors", static_cast<std::int64_t>(2 * items.size()));
  LoadOptions options;
  options.threads = command.threads;
  const quantize::Agreement agreement =
      quantize::compare_models(command.model, command.output, options, items, [&](std::int64_t count) {
        InterruptScope::check();
        progress->advance(count);
      });
  progress.reset();
  std::string text = fmt::format("cosine to the unquantised model over {} items: mean {:.6f}, minimum {:.6f}\n",
                                 items.size(), agreement.mean(), agreement.minimum());
  for (const quantize::ItemAgreement& item : agreement.worst(kWorst)) {
    text += fmt::format("  {:.6f}  {}\n", item.cosine, one_line(item.name));
  }
  write_stream(stdout, text);
}

int run_quantize(const QuantizeCommand& command) {
  const InterruptScope interrupts([&] {
    std::error_code ignored;
    if (!command.format.empty()) fs::remove(command.output / "model.safetensors.tmp", ignored);
    tell("e5v: interrupted\n");
  });
  try {
    Items items;  // read and looked at before anything is written: that may take hours
    if (!command.check.empty()) items = read_items(command.check);
    if (!command.format.empty()) {
      if (!items.empty()) quantize::look_at_items(command.model, items, InterruptScope::check);
      write_model(command);
    }
    if (!command.check.empty()) check_model(command, items);
  } catch (const Interrupted&) {
    tell("e5v: interrupted\n");
    return 128 + InterruptScope::signal();
  }
  return kSuccess;
}

void check_usage(const QuantizeCommand& command) {
  if (command.format.empty() && command.check.empty()) throw CLI::RequiredError("--format, --check, or both");
  if (command.group != 0 && command.format != "int4") throw CLI::ValidationError("--group", "belongs to --format int4");
  if (command.all_int4 && command.format != "int4") {
    throw CLI::ValidationError("--all-int4", "belongs to --format int4");
  }
  if (command.no_compensate && command.format != "int4") {
    throw CLI::ValidationError("--no-compensate", "belongs to --format int4");
  }
  if (!command.calibrate.empty() && command.format == "nf4") {
    throw CLI::ValidationError("--calibrate", "belongs to --format int8 and int4");
  }
}

constexpr const char* kDescription =
    "write a model with 8- or 4-bit weights\n"
    "\n"
    "The matrices of the language model are quantised; the vision tower, the projector and the token embeddings stay "
    "as they are. The folder that is written is a checkpoint like any other, in a layout that vLLM reads, too: that of "
    "compressed-tensors for int8 and int4, of transformers with bitsandbytes for nf4.";

constexpr const char* kFooter =
    "int8: 8-bit weights with a scale for each row; activations are rounded as they come, with a scale for each token: "
    "to 8 bits where the CPU has 8-bit dot products, to more elsewhere. int4: 4-bit weights with a scale for each "
    "group of columns; the attention and the first block, where errors cost most, keep 8 bits; with 8-bit dot products "
    "activations are rounded, too (e5v embed --dtype bf16 keeps them). nf4: the 4-bit type of QLoRA, quantiles of a "
    "normal "
    "distribution, "
    "with a rounded scale for each 64 weights; the same bits as bitsandbytes.\n"
    "\n"
    "Outliers (int8 and int4): where some columns of the activations are much larger than the others, their magnitude "
    "is moved into the weights first, as far as the error on the calibration items shrinks.\n"
    "\n"
    "Compensation (int4): weights are rounded one column after another, and each takes back what the errors before it "
    "do "
    "to the calibration items (GPTQ). The built-in sentences will do; some hundred items of the kind that will be "
    "embedded, pictures among them, do better.\n"
    "\n"
    "Examples:\n"
    "  e5v quantize --model e5-v --format int8 --output e5-v-int8 --check items.jsonl\n"
    "  e5v quantize --model e5-v --output e5-v-int8 --check items.jsonl";

}  // namespace

Run add_quantize(CLI::App& app) {
  const auto options = std::make_shared<QuantizeCommand>();
  CLI::App* command = app.add_subcommand("quantize", kDescription)->footer(kFooter);
  command->add_option("--model", options->model, "folder of the checkpoint to quantise")
      ->option_text("DIR")
      ->required();
  command->add_option("--output", options->output, "folder of the quantised checkpoint")
      ->option_text("DIR")
      ->required();
  command
      ->add_option("--format", options->format, "int8, int4 or nf4; without it nothing is written, only --check runs")
      ->option_text("FORMAT")
      ->check(CLI::IsMember({"int8", "int4", "nf4"}));
  add_number(*command, "--group", options->group, std::int64_t{1},
             "columns that share a scale of int4; otherwise 64 where that fits", model::Limits::mlp_width);
  command
      ->add_option(
          "--calibrate", options->calibrate,
          "file of items as e5v embed takes them, to measure activations with: the first 4,096 tokens of them, "
          "16,384 for compensation; otherwise built-in sentences; not for nf4")
      ->option_text("FILE");
  command
      ->add_option("--check", options->check,
                   "file of items: embed them with both models and print how well the vectors agree")
      ->option_text("FILE");
  command->add_flag("--no-smooth", options->no_smooth, "leave outliers where they are");
  command->add_flag("--all-int4", options->all_int4,
                    "int4 for the attention and the first block, too: smaller, less exact");
  command->add_flag("--no-compensate", options->no_compensate,
                    "round each weight of int4 by itself: faster, less exact");
  command->add_flag("--force", options->force, "replace the checkpoint in the output folder");
  add_threads_option(*command, options->threads, "threads for --check; otherwise one per core");
  command->callback([options] { check_usage(*options); });
  return [options] { return run_quantize(*options); };
}

}  // namespace e5v::app
