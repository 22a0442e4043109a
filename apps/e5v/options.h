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

/// What the commands that load a model have in common.
struct ModelOptions {
  std::filesystem::path folder;
  LoadOptions load;
  PrepareOptions prepare;
  RunOptions run;

  bool operator==(const ModelOptions&) const = default;
};

/// --model, --dtype, --device and --threads.
void add_model_options(CLI::App& command, ModelOptions& options, bool model_required = true);

/// --adapter.
void add_adapter_option(CLI::App& command, LoadOptions& options);

/// --paper-compat, --alpha, --max-tiles, --max-pixels, --no-exif and --truncate.
void add_prepare_options(CLI::App& command, PrepareOptions& options);

/// --token-budget.
void add_budget_option(CLI::App& command, RunOptions& options);

/// --prompt, and what the two functions above add.
void add_input_options(CLI::App& command, ModelOptions& options);

/// --prompt alone.
void add_prompt_option(CLI::App& command, std::string& prompt);

/// --text and --image, in the order of the command line: one item each.
void add_item_options(CLI::App& command, std::vector<runs::ItemList::Entry>& entries);

/// A number of threads: more than any machine has would exhaust it before anything is computed.
OptionField thread_count(int& threads);

/// What becomes of transparent pixels.
OptionField alpha_choice(Alpha& alpha);
inline constexpr const char* kAlphaDescription =
    "the treatment of transparent pixels: white composites them onto white; drop ignores the alpha "
    "channel and uses the stored RGB values";
inline constexpr const char* kAlphaOtherwise = "white, or drop with --paper-compat";

/// Collective: without --threads and OMP_NUM_THREADS, the processes of a machine share its cores.
void share_cores(const processes::Group& group, LoadOptions& options);

/// Makes the options of a command, and of all commands in it, refuse an empty value. An unset shell variable would
/// otherwise count as an option that is not given, and the base model would be used instead of the adapted one. --text
/// takes an empty value, because an empty text is a text.
void refuse_empty_values(CLI::App& command);

/// The names of all prompts, for help pages.
std::string prompt_names_text();

}  // namespace e5v::app
