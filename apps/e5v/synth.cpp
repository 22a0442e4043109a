#include <fmt/format.h>

#include <atomic>
#include <chrono>

#include "base/interrupted.h"
#include "base/log.h"
#include "base/progress.h"
#include "commands.h"
#include "inspect/info.h"
#include "interrupt.h"
#include "model/config_parts.h"
#include "model/synthetic_checkpoint.h"
#include "options.h"
#include "terminal.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;

struct SynthOptions {
  std::string config, dtype = "bf16";
  fs::path output, tokenizer;
  std::uint64_t seed = 0;
  std::int64_t layers = 0;  // 0: the number in the config
  bool to_train = false, force = false;
};

void check_output(const SynthOptions& options) {
  const bool occupied = fs::is_directory(options.output) && !fs::is_empty(options.output);
  require(!occupied || options.force, "[{}] is not empty; --force replaces the checkpoint in it",
          options.output.string());
}

int run_synth(const SynthOptions& options) {
  check_output(options);
  const auto type = options.dtype == "f32" ? tensor::DType::f32 : tensor::DType::bf16;
  const auto layers = options.layers > 0 ? std::optional(options.layers) : std::nullopt;
  model::SyntheticCheckpoint checkpoint;
  checkpoint.config = model::synthetic_config(options.config, layers, type);
  checkpoint.dtype = type;
  checkpoint.seed = options.seed;
  if (options.to_train) checkpoint.scheme = model::WeightScheme::start;
  if (!options.tokenizer.empty()) checkpoint.tokenizer = options.tokenizer;
  const std::uint64_t bytes = checkpoint.bytes();
  std::optional<Progress> progress;
  progress.emplace("MB", static_cast<std::int64_t>(bytes / 1'000'000));
  std::atomic<std::uint64_t> written = 0;
  checkpoint.advanced = [&](std::uint64_t count) {
    const std::uint64_t before = written / 1'000'000;
    written += count;
    if (progress) progress->advance(static_cast<std::int64_t>(written / 1'000'000 - before));
  };
  const auto say_interrupted = [&] {
    tell("e5v: interrupted, nothing is left in {}\n", one_line(options.output.string()));
  };
  const InterruptScope interrupts([&] {
    std::error_code ignored;
    if (written > 0) fs::remove_all(model::partial_folder(options.output), ignored);
    say_interrupted();
  });
  checkpoint.check_stop = InterruptScope::check;
  const auto begin = std::chrono::steady_clock::now();
  try {
    checkpoint.write(options.output);
  } catch (const Interrupted&) {
    progress.reset();
    say_interrupted();
    return 128 + InterruptScope::signal();
  }
  progress.reset();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  tell("e5v: {} of random weights in {}, {:.0f} MB/s\n", inspect::bytes_text(bytes), duration_text(seconds),
       static_cast<double>(bytes) / 1e6 / seconds);
  return kSuccess;
}

}  // namespace

Run add_synth(CLI::App& app) {
  const auto options = std::make_shared<SynthOptions>();
  CLI::App* command = app.add_subcommand(
      "synth",
      "write a checkpoint with random weights, for measurements and tests\n"
      "\n"
      "All commands that compute vectors accept the folder as a checkpoint. Its vectors have no meaning, but the model "
      "needs the same time and memory as a trained model of this shape. The same config, dtype and random seed "
      "give the same bytes on every machine.");
  command->footer(
      "Configs: e5-v has the shape of E5-V (LLaVA-NeXT over Llama-3-8B, 16 GB in bf16). tiny has the same "
      "architecture with small sizes.\n"
      "\n"
      "Tokenizer: the small built-in tokenizer splits English text into about as many tokens as the "
      "tokenizer of Llama 3.\n"
      "\n"
      "Examples:\n"
      "  e5v synth --config e5-v --layers 4 --output e5-v-4\n"
      "  e5v synth --config path/to/config.json --dtype f32 --output random");
  add_table(*command,
            {
                {"--config", text(options->config, "NAME").required(),
                 "the shape of the model: e5-v, tiny, or the path of a config.json file"},
                {"--output", path(options->output, "DIR").required(), "the folder of the checkpoint to write"},
                {"--dtype", choice(options->dtype, {"bf16", "f32"}, "TYPE"), "the dtype of the weights: bf16 or f32"},
                {"--layers", whole(options->layers, 1, model::Limits::layers),
                 "the number of layers of the language model", "the number in the config"},
                {"--seed", seed(options->seed), "the random seed of the weights"},
                {"--tokenizer", path(options->tokenizer, "FILE"), "the tokenizer.json file of the checkpoint",
                 "a small built-in tokenizer"},
                {"--to-train", flag(options->to_train),
                 "write initial weights for training: biases are 0, norms are 1, residual branches are small, and the "
                 "position embeddings of patches are sinusoidal"},
                {"--force", flag(options->force),
                 "replace the checkpoint in the output folder; without this option, the folder must be empty"},
            });
  return [options] { return run_synth(*options); };
}

}  // namespace e5v::app
