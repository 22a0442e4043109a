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
    "write a checkpoint with 8- or 4-bit weights\n"
    "\n"
    "The matrices of the language model are quantised. The vision tower, the projector and the token embeddings stay "
    "as "
    "they are. All commands read the written checkpoint, and so does vLLM: int8 and int4 have the layout of "
    "compressed-tensors, nf4 has that of transformers with bitsandbytes.";

constexpr const char* kQuantizeFooter =
    "int8: weights have 8 bits and a scale for each row. Activations are rounded while the model runs, with a scale "
    "for "
    "each token: to 8 bits where the CPU has 8-bit dot products, to more bits elsewhere.\n"
    "int4: weights have 4 bits and a scale for each group of columns. The attention and the first block, where errors "
    "cost most, keep 8 bits. Where the CPU has 8-bit dot products, activations are rounded too, unless e5v embed "
    "--dtype bf16 asks for 16 bits.\n"
    "nf4: the 4-bit type of QLoRA (quantiles of a normal distribution), with a rounded scale for each 64 weights. The "
    "bits are those of bitsandbytes.\n"
    "\n"
    "Outliers (int8 and int4): some columns of the activations may be much larger than the others. Their magnitude is "
    "moved into the weights before rounding, as far as that makes the error on the calibration items smaller.\n"
    "\n"
    "Compensation (int4): columns are rounded one after another, and each column compensates the errors of those "
    "before "
    "it on the calibration items (GPTQ). Built-in sentences serve as calibration items. Some hundred items of the kind "
    "that will be embedded, images among them, give smaller errors.\n"
    "\n"
    "Examples:\n"
    "  e5v quantize --model e5-v --format int8 --output e5-v-int8 --check items.jsonl\n"
    "  e5v quantize --model e5-v --output e5-v-int8 --check items.jsonl";

void add_quantize_options(CLI::App& command, QuantizeCommand& o) {
  add_table(
      command,
      {
          {"--model", path(o.model, "DIR").required(), "the folder of the checkpoint to quantise"},
          {"--output", path(o.output, "DIR").required(), "the folder of the quantised checkpoint"},
          {"--format", choice(o.format, {"int8", "int4", "nf4"}, "FORMAT"),
           "the format of the weights: int8, int4 or nf4; without it nothing is written, and only --check runs"},
          {"--group", whole(o.group, 1, model::Limits::mlp_width), "the number of columns that share a scale of int4",
           "64 where that fits"},
          {"--calibrate", text(o.calibrate, "FILE"),
           "the file of calibration items, in the form that e5v embed reads: the first 4,096 tokens are used, and "
           "16,384 for compensation; not for nf4",
           "built-in sentences"},
          {"--check", text(o.check, "FILE"),
           "the file of items to embed with both checkpoints; their cosines are printed"},
          {"--no-smooth", flag(o.no_smooth), "leave outliers where they are"},
          {"--all-int4", flag(o.all_int4),
           "store the attention and the first block as int4, too: the checkpoint is smaller and less exact"},
          {"--no-compensate", flag(o.no_compensate),
           "round each weight of int4 to the nearest value: this is faster and less exact"},
          {"--force", flag(o.force), "replace the checkpoint in the output folder"},
          {"--threads", thread_count(o.threads), "the number of threads that compute for --check", "one per core"},
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
