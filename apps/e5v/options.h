#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "e5v/embedder.h"
#include "option_table.h"
#include "processes/group.h"
#include "runs/items.h"

namespace e5v::app {

/// The common options of commands that load a model.
struct ModelOptions {
  std::filesystem::path folder;
  LoadOptions load;
  PrepareOptions prepare;
  RunOptions run;

  bool operator==(const ModelOptions&) const = default;
};

/// Adds --model, --dtype, --device and --threads.
void add_model_options(CLI::App& command, ModelOptions& options, bool model_required = true);

/// Adds --dtype, --device and --threads.
void add_load_options(CLI::App& command, LoadOptions& options);

/// Adds --device and --threads.
void add_device_options(CLI::App& command, LoadOptions& options);

/// Adds --adapter.
void add_adapter_option(CLI::App& command, LoadOptions& options);

/// Adds --paper-compat, --alpha, --max-tiles, --max-pixels, --no-exif and --truncate.
void add_prepare_options(CLI::App& command, PrepareOptions& options);

/// Adds --token-budget.
void add_budget_option(CLI::App& command, RunOptions& options);

/// Adds --prompt and the options of the two functions above.
void add_input_options(CLI::App& command, ModelOptions& options);

/// Adds --prompt alone.
void add_prompt_option(CLI::App& command, std::string& prompt);

/// Adds --text and --image. Each is one item, in the order of the command line.
void add_item_options(CLI::App& command, std::vector<runs::ItemList::Entry>& entries);

/// A number of threads. More than any machine has is refused, because it would exhaust the machine.
OptionField thread_count(int& threads);

/// The treatment of transparent pixels.
OptionField alpha_choice(Alpha& alpha);
inline constexpr const char* kAlphaDescription =
    "the treatment of transparent pixels: white composites them onto white; drop ignores the alpha "
    "channel and uses the stored RGB values";
inline constexpr const char* kAlphaOtherwise = "white, or drop with --paper-compat";

/// Lets the processes of a machine share its cores, when --threads and OMP_NUM_THREADS are not given. A collective
/// call.
void share_cores(const processes::Group& group, LoadOptions& options);

/// Makes the options of a command, and of its subcommands, refuse an empty value. With an unset shell variable, an
/// option would otherwise count as not given, and the base model would be used instead of the adapted one. --text takes
/// an empty value, because an empty text is a text.
void refuse_empty_values(CLI::App& command);

/// The names of all prompts, for help pages.
std::string prompt_names_text();

}  // namespace e5v::app
