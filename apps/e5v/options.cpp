#include "options.h"

#include <fmt/ranges.h>

#include <cstdlib>
#include <limits>
#include <map>

#include "base/cpu.h"
#include "base/error.h"
#include "base/parallel.h"
#include "ops/accelerator.h"
#include "text/prompt.h"

namespace e5v::app {
namespace {

std::string check_prompt(const std::string& prompt) {
  try {
    text::find_prompt(prompt, text::ChatStyle::llama3);
    return "";
  } catch (const InvalidInput& error) {
    return error.what();
  }
}

std::string check_device(const std::string& name) {
  try {
    ops::check_device_name(name);
    return "";
  } catch (const InvalidInput& error) {
    return error.what();
  }
}

}  // namespace

void add_model_options(CLI::App& command, ModelOptions& options, bool required) {
  command
      .add_option("--model", options.folder,
                  "folder of the checkpoint, as Hugging Face has it, or of the hub's cache (models--org--name)")
      ->option_text("DIR")
      ->required(required);
  const std::map<std::string, ComputeType> types{{"auto", ComputeType::automatic},
                                                 {"f32", ComputeType::f32},
                                                 {"bf16", ComputeType::bf16},
                                                 {"fp8", ComputeType::fp8}};
  command
      .add_option_function<std::string>(
          "--dtype", [&options, types](const std::string& name) { options.load.dtype = types.at(name); },
          "what to compute in: auto (f32 for weights stored in f32; on a CPU int8 for int8 weights and, where it has "
          "8-bit dot products, int4; else bf16), f32, bf16, or on a GPU fp8")
      ->option_text("TYPE")
      ->check(CLI::IsMember({"auto", "f32", "bf16", "fp8"}));
  command
      .add_option("--device", options.load.device,
                  "where to compute: auto (a GPU if there is one), cpu, cuda, or cuda:N for the N-th GPU; for auto the "
                  "environment variable E5V_DEVICE may say otherwise")
      ->option_text("DEVICE")
      ->check(CLI::Validator(check_device, "DEVICE"));
  add_threads_option(command, options.load.threads,
                     "threads to compute with; otherwise one per core, which processes of mpirun share");
}

void add_threads_option(CLI::App& command, int& threads, const std::string& description) {
  add_number(command, "--threads", threads, 1, description, LoadOptions::kMostThreads);
}

void add_seed_option(CLI::App& command, std::uint64_t& seed, const std::string& description) {
  add_number(command, "--seed", seed, std::uint64_t{0}, description, std::numeric_limits<std::uint64_t>::max());
}

void share_cores(const processes::Group& group, ModelOptions& options) {
  if (group.size() == 1) return;
  const int share = group.threads();
  if (options.load.threads == 0 && std::getenv("OMP_NUM_THREADS") == nullptr) options.load.threads = share;
  set_thread_count(options.load.threads);  // for what runs outside the embedder's own scope: loading
}

void add_adapter_option(CLI::App& command, ModelOptions& options) {
  command
      .add_option("--adapter", options.load.adapter,
                  "folder of a LoRA adapter in PEFT's layout, added to the model: what e5v train leaves in adapter/")
      ->option_text("DIR");
}

void add_prompt_option(CLI::App& command, std::string& prompt) {
  command
      .add_option(
          "--prompt", prompt,
          "name of a prompt, or a template that holds <sent> where the text goes and <image> where the image goes")
      ->option_text("PROMPT")
      ->check(CLI::Validator(check_prompt, "PROMPT"));
}

void add_alpha_option(CLI::App& command, Alpha& alpha, const std::string& name) {
  const std::map<std::string, Alpha> choices{{"white", Alpha::white}, {"drop", Alpha::drop}};
  command
      .add_option_function<std::string>(
          name, [&alpha, choices](const std::string& choice) { alpha = choices.at(choice); },
          "transparent pixels of images: white (they are laid on white, as current transformers does) or drop (their "
          "colours count, which --paper-compat implies)")
      ->option_text("CHOICE")
      ->check(CLI::IsMember({"white", "drop"}));
}

void add_input_options(CLI::App& command, ModelOptions& options) {
  PrepareOptions& prepare = options.prepare;
  add_prompt_option(command, options.run.prompt);
  command.add_flag("--paper-compat", prepare.paper_compat,
                   "preprocess images as transformers 4.41.2 did, on which the paper's figures rest; faults included");
  add_alpha_option(command, prepare.alpha);
  add_number(command, "--max-tiles", prepare.max_tiles, 1, "at most so many tiles per image, the base tile included",
             PrepareOptions::kMostTiles);
  add_number(command, "--max-pixels", prepare.max_pixels, std::int64_t{1},
             fmt::format("refuse larger images; otherwise those above {}", prepare.max_pixels),
             PrepareOptions::kMostPixels);
  command.add_flag_callback(
      "--no-exif", [&prepare] { prepare.apply_exif = false; },
      "leave photos as they lie instead of turning them upright");
  command.add_flag("--truncate", prepare.truncate,
                   "cut texts that exceed the model's context instead of refusing them");
  add_number(command, "--token-budget", options.run.token_budget, std::int64_t{1},
             "tokens computed together (2048, on a GPU 16384): fewer take less memory", RunOptions::kMostTokenBudget);
}

void add_item_options(CLI::App& command, std::vector<runs::ItemList::Entry>& entries) {
  const auto add = [&entries](const char* option, Input input) {
    entries.push_back({{std::nullopt, std::move(input)}, fmt::format("{} {}", option, entries.size() + 1)});
  };
  // The callback at once, so that texts and images keep the order in which they are given.
  command
      .add_option_function<std::string>(
          "--text", [add](const std::string& text) { add("--text, item", Input::from_text(text)); },
          "a text to embed; may be given many times")
      ->option_text("TEXT")
      ->trigger_on_parse();
  command
      .add_option_function<std::string>(
          "--image",
          [add](const std::string& file) { add("--image, item", Input::from_image(std::filesystem::path(file))); },
          "an image to embed (JPEG, PNG, WebP); may be given many times")
      ->option_text("FILE")
      ->trigger_on_parse();
}

void refuse_empty_values(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    if (option->get_items_expected_max() == 0 || option->get_single_name() == "text") continue;
    const std::string& value = option->get_option_text();
    const auto check = [value](const std::string& given) -> std::string {
      return given.empty() ? fmt::format("is empty, expected {}; leave the option out to go without", value) : "";
    };
    option->check(CLI::Validator(check, value));
  }
  for (CLI::App* inner : command.get_subcommands([](const CLI::App*) { return true; })) refuse_empty_values(*inner);
}

std::string prompt_names_text() { return fmt::format("{}", fmt::join(text::prompt_names(), ", ")); }

}  // namespace e5v::app
