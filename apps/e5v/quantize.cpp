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
  std::string text = fmt::format("{} written as {}: {} instead of {}", command.output.string(), command.format,
                                 inspect::bytes_text(bytes), inspect::bytes_text(original));
  if (options.smooth) {
    const bool compensated = options.compensate && options.format == tensor::WeightFormat::int4;
    text += fmt::format("; mean square error of a product{} {:.2e}, without smoothing {:.2e}",
                        compensated ? " before compensation" : "", after, before);
  }
  write_stream(stdout, text + "\n");
}

void check_model(const QuantizeCommand& command, const Items& items) {
  constexpr std::size_t kLowest = 5;
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
  for (const quantize::ItemAgreement& item : agreement.lowest(kLowest)) {
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
    Items items;  // read and checked before the checkpoint is written, which may take hours
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

constexpr const char* kQuantizeDescription =
    "write a quantised checkpoint with 8-bit or 4-bit weights\n"
    "\n"
    "The matrices of the language model are quantised. The vision tower, the projector and the token "
    "embeddings keep their dtype. The new checkpoint can be used to embed, to evaluate, and to train "
    "adapters. int8 and int4 checkpoints have the layout of compressed-tensors, which vLLM can also read. "
    "compressed-tensors before version 0.11 can read int4 only with --all-int4. nf4 checkpoints have the layout of "
    "transformers with bitsandbytes.";

constexpr const char* kQuantizeFooter =
    "int8: weights have 8 bits and one scale per row. On CPUs, the program also rounds activations while the "
    "model runs, with one scale per token: to 8 bits if the CPU has 8-bit dot products, and to more bits "
    "otherwise. With e5v embed --dtype bf16, it does not.\n"
    "\n"
    "int4: weights have 4 bits and one scale per group of columns. The attention matrices and the first "
    "block keep 8 bits, because rounding errors have the largest effect there. If the CPU has 8-bit dot "
    "products, the program also rounds activations to 8 bits. With e5v embed --dtype bf16, it does not.\n"
    "\n"
    "nf4: the 4-bit type of QLoRA (quantiles of a normal distribution), with one rounded scale per 64 "
    "weights. The bits equal those of bitsandbytes.\n"
    "\n"
    "Smoothing (int8 and int4): some columns of the activations may have outliers, values much larger "
    "than those of other columns. Before rounding, smoothing moves the magnitude of outliers from the "
    "activations into the weights, as far as this reduces the error on the calibration items.\n"
    "\n"
    "Compensation (int4): columns are rounded one after another, and each column compensates the errors "
    "of the columns before it on the calibration items (GPTQ).\n"
    "\n"
    "Calibration items: by default they are built-in sentences. A few hundred items like those that will "
    "be embedded, including images, give smaller errors.\n"
    "\n"
    "Examples:\n"
    "  e5v quantize --model e5-v --format int8 --output e5-v-int8 --check items.jsonl\n"
    "  e5v quantize --model e5-v --output e5-v-int8 --check items.jsonl";

void add_quantize_options(CLI::App& command, QuantizeCommand& o) {
  add_table(
      command,
      {
          {"--model", path(o.model, "DIR").required(), "the folder of the checkpoint to quantise"},
          {"--output", path(o.output, "DIR").required(),
           "the folder of the quantised checkpoint; without --format, it must already exist"},
          {"--format", choice(o.format, {"int8", "int4", "nf4"}, "FORMAT"),
           "the format of the weights: int8, int4 or nf4. Without --format, nothing is written, and --check "
           "compares --model with the existing checkpoint in --output"},
          {"--group", whole(o.group, 1, model::Limits::mlp_width),
           "the number of columns that share one scale, for int4",
           "the largest of 64, 32, 16 and 8 that divides the widths of all matrices"},
          {"--calibrate", text(o.calibrate, "FILE"),
           "the file of calibration items, in the format of e5v embed --input, for int8 and int4; the first "
           "16,384 tokens are used with compensation, and otherwise the first 4,096",
           "built-in sentences"},
          {"--check", text(o.check, "FILE"),
           "the file of items to embed with both checkpoints; the command prints the mean and the minimum of the "
           "cosines between "
           "the two vectors of an item, and the five items with the lowest cosines"},
          {"--no-smooth", flag(o.no_smooth), "do not move outliers of activations into the weights (no smoothing)"},
          {"--all-int4", flag(o.all_int4),
           "store the attention matrices and the first block as int4, too; the checkpoint is smaller and less "
           "exact"},
          {"--no-compensate", flag(o.no_compensate),
           "round each weight to the nearest value, for int4; this is faster and less exact than compensation"},
          {"--force", flag(o.force),
           "replace the checkpoint in the output folder; without this option, the folder must be empty"},
          {"--threads", thread_count(o.threads), "the number of compute threads for --check",
           "OMP_NUM_THREADS, or one per core"},
      });
}

}  // namespace

Run add_quantize(CLI::App& app) {
  const auto options = std::make_shared<QuantizeCommand>();
  CLI::App* command = app.add_subcommand("quantize", kQuantizeDescription)->footer(kQuantizeFooter);
  add_quantize_options(*command, *options);
  command->callback([options] { check_usage(*options); });
  return [options] { return run_quantize(*options); };
}

}  // namespace e5v::app
