#include <fmt/format.h>

#include <optional>

#include "base/interrupted.h"
#include "base/log.h"
#include "base/progress.h"
#include "commands.h"
#include "inspect/info.h"
#include "interrupt.h"
#include "model/checkpoint.h"
#include "model/model_folder.h"
#include "options.h"
#include "terminal.h"
#include "train/write_checkpoint.h"

namespace e5v::app {
namespace {

struct MergeOptions {
  std::filesystem::path model, adapter, output;
  bool force = false;
};

int run_merge(const MergeOptions& options) {
  constexpr std::uint64_t kUnit = 1'000'000;
  const auto say_interrupted = [&] {
    tell("e5v: interrupted before the checkpoint was written to {}\n", one_line(options.output.string()));
  };
  const InterruptScope interrupts([&] {
    std::error_code ignored;
    std::filesystem::remove(options.output / "model.safetensors.tmp", ignored);
    say_interrupted();
  });
  const std::uint64_t bytes_in_all = model::Checkpoint(model::find_model_folder(options.model)).bytes();
  std::optional<Progress> progress(std::in_place, "MB", static_cast<std::int64_t>(bytes_in_all / kUnit));
  std::uint64_t done = 0;
  try {
    train::merge_adapter(options.model, options.adapter, options.output, options.force, [&](std::uint64_t bytes) {
      InterruptScope::check();
      const std::uint64_t before = done / kUnit;
      done += bytes;
      progress->advance(static_cast<std::int64_t>(done / kUnit - before));
    });
  } catch (const Interrupted&) {
    progress.reset();
    say_interrupted();
    return 128 + InterruptScope::signal();
  }
  progress.reset();
  tell("e5v: {} merged into {}\n", inspect::bytes_text(done), one_line(options.output.string()));
  return kSuccess;
}

}  // namespace

Run add_merge(CLI::App& app) {
  const auto options = std::make_shared<MergeOptions>();
  CLI::App* command = app.add_subcommand(
      "merge",
      "merge a LoRA adapter into the weights of a checkpoint and write the result as a new checkpoint\n"
      "\n"
      "The new checkpoint has the dtypes and the tensor names of the original. Programs that can load the "
      "original, such as transformers, can load it, too. An adapter cannot be merged into quantised weights. Merge it "
      "into the unquantised checkpoint "
      "and then quantise the result.");
  command->footer("Example:\n  e5v merge --model e5-v --adapter run/adapter --output e5-v-mine");
  add_table(
      *command,
      {
          {"--model", path(options->model, "DIR").required(), "the folder of the checkpoint"},
          {"--adapter", path(options->adapter, "DIR").required(), "the folder of the LoRA adapter, in PEFT's layout"},
          {"--output", path(options->output, "DIR").required(), "the folder of the new checkpoint"},
          {"--force", flag(options->force),
           "replace the checkpoint in the output folder; without this option, the folder must be empty"},
      });
  return [options] { return run_merge(*options); };
}

}  // namespace e5v::app
