#include "options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>

#include "base/error.h"
#include "base/parallel.h"
#include "embed/batch.h"
#include "ops/accelerator.h"
#include "text/prompt.h"

namespace e5v::app {
namespace {

std::string problem_of_prompt(const std::string& prompt) {
  try {
    text::find_prompt(prompt, text::ChatStyle::llama3);
    return "";
  } catch (const InvalidInput& error) {
    return error.what();
  }
}

std::string problem_of_device(const std::string& name) {
  try {
    ops::check_device_name(name);
    return "";
  } catch (const InvalidInput& error) {
    return error.what();
  }
}

}  // namespace

void add_model_options(CLI::App& command, ModelOptions& options, bool model_required) {
  add_table(command,
            {{"--model", path(options.folder, "DIR").required(model_required),
              "the folder of the checkpoint in Hugging Face format, or its folder models--org--name in the hub's "
              "cache"}});
  add_load_options(command, options.load);
}

void add_load_options(CLI::App& command, LoadOptions& options) {
  const std::vector<std::pair<std::string, ComputeType>> types{{"auto", ComputeType::automatic},
                                                               {"f32", ComputeType::f32},
                                                               {"bf16", ComputeType::bf16},
                                                               {"fp8", ComputeType::fp8}};
  add_table(command,
            {
                {"--dtype", choice(options.dtype, types, "TYPE"),
                 "the arithmetic: f32, bf16, fp8 (GPUs only), or auto. auto selects f32 for weights stored in f32 and "
                 "bf16 for all others. On CPUs, auto uses int8 arithmetic in two cases: for int8 checkpoints "
                 "whose config quantises activations, and for int4 checkpoints if the CPU has 8-bit dot products. int8 "
                 "arithmetic rounds activations to 8 bits, or to more bits if the CPU has no 8-bit dot products"},
            });
  add_device_options(command, options);
}

void add_device_options(CLI::App& command, LoadOptions& options) {
  add_table(command,
            {
                {"--device", text(options.device, "DEVICE").checked(problem_of_device),
                 "the device that computes: cpu, cuda (the first GPU), cuda:N (the GPU with the index N, from 0), or "
                 "auto. auto selects the device that the environment variable E5V_DEVICE names; if it is not set, "
                 "auto selects the first GPU, or the CPU if there is no GPU"},
                {"--threads", thread_count(options.threads), "the number of compute threads",
                 "OMP_NUM_THREADS, or one per core; the processes of one mpirun divide the cores among them"},
            });
}

OptionField thread_count(int& threads) { return whole(threads, 1, LoadOptions::kMaxThreads); }

void add_adapter_option(CLI::App& command, LoadOptions& options) {
  add_table(command,
            {{"--adapter", path(options.adapter, "DIR"),
              "the folder of a LoRA adapter in PEFT's layout, which is added to the model; e5v train writes it to "
              "RUN/adapter"}});
}

void add_prompt_option(CLI::App& command, std::string& prompt) {
  add_table(command,
            {{"--prompt", text(prompt, "PROMPT").checked(problem_of_prompt),
              "the prompt, by name or as a template; a template has the slots <sent> for the text and <image> for "
              "the image"}});
}

OptionField alpha_choice(Alpha& alpha) {
  return choice<Alpha>(alpha, {{"white", Alpha::white}, {"drop", Alpha::drop}}, "CHOICE");
}

void add_prepare_options(CLI::App& command, PrepareOptions& options) {
  add_table(
      command,
      {
          {"--paper-compat", flag(options.paper_compat),
           "preprocess images as transformers 4.41.2 did, including its bugs; the paper's results were computed "
           "this way"},
          {"--alpha", alpha_choice(options.alpha), kAlphaDescription, kAlphaOtherwise},
          {"--max-tiles", whole(options.max_tiles, 1, PrepareOptions::kMaxTiles),
           "the maximum number of tiles per image, including the base tile", "the maximum of the model"},
          {"--max-pixels", whole(options.max_pixels, 1, PrepareOptions::kMaxPixels),
           "the maximum number of pixels per image; larger images cause an error"},
          {"--no-exif", cleared(options.apply_exif),
           "ignore the orientation of photos, such as that in EXIF; without this option, photos are rotated upright"},
          {"--truncate", flag(options.truncate),
           "cut texts that are longer than the model's context; without this option, they cause an error"},
      });
}

void add_budget_option(CLI::App& command, RunOptions& options) {
  const auto budget = [](tensor::Place place) { return embed::chosen_token_budget(0, place); };
  add_table(command,
            {{"--token-budget", whole(options.token_budget, 1, RunOptions::kMaxTokenBudget),
              "the maximum number of rows (tokens and image features) per batch; smaller batches need less memory. An "
              "input with "
              "more rows gets its own batch, and inputs with the same image may exceed the maximum by a quarter",
              fmt::format("{}; on a GPU {}", budget(tensor::Place::host), budget(tensor::Place::device))}});
}

void add_input_options(CLI::App& command, ModelOptions& options) {
  add_prompt_option(command, options.run.prompt);
  add_prepare_options(command, options.prepare);
  add_budget_option(command, options.run);
}

void add_item_options(CLI::App& command, std::vector<runs::ItemList::Entry>& entries) {
  const auto add = [&entries](const char* option, Input input) {
    entries.push_back({{std::nullopt, std::move(input)}, fmt::format("{} {}", option, entries.size() + 1)});
  };
  const auto add_text = [add](const std::string& text) { add("--text, item", Input::from_text(text)); };
  const auto add_image = [add](const std::string& file) {
    add("--image, item", Input::from_image(std::filesystem::path(file)));
  };
  add_table(
      command,
      {
          {"--text", repeated(add_text, "TEXT"), "a text to embed; this option can be given several times"},
          {"--image", repeated(add_image, "FILE"), "an image file to embed; this option can be given several times"},
      });
}

void share_cores(const processes::Group& group, LoadOptions& options) {
  if (group.size() == 1) return;
  const int share = group.threads();
  if (options.threads == 0 && std::getenv("OMP_NUM_THREADS") == nullptr) options.threads = share;
  set_thread_count(options.threads);  // for loading, which the embedder's own setting does not cover
}

void refuse_empty_values(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    if (option->get_items_expected_max() == 0 || option->get_single_name() == "text") continue;
    const std::string& value = option->get_option_text();
    const auto check = [value](const std::string& given) -> std::string {
      return given.empty() ? fmt::format("is empty, expected {}; leave the option out if you do not want it", value)
                           : "";
    };
    option->check(CLI::Validator(check, value));
  }
  for (CLI::App* inner : command.get_subcommands([](const CLI::App*) { return true; })) refuse_empty_values(*inner);
}

std::string prompt_names_text() { return fmt::format("{}", fmt::join(text::prompt_names(), ", ")); }

}  // namespace e5v::app
