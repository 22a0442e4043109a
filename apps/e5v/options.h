#pragma once
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "e5v/embedder.h"
#include "embed/items.h"
#include "ranks/group.h"

namespace e5v::app {

/// What the subcommands that load a model have in common.
struct ModelOptions {
  std::filesystem::path folder;
  EmbedderOptions embedder;
};

/// --model, --dtype and --threads; with `required`, --model must be given.
void add_model_options(CLI::App& command, ModelOptions& options, bool required = true);

/// Collective: without --threads and OMP_NUM_THREADS, the ranks of a machine share its cores.
void share_cores(const ranks::Group& group, ModelOptions& options);

/// --prompt, --paper-compat, --max-tiles, --max-pixels, --no-exif, --truncate and --token-budget.
void add_input_options(CLI::App& command, ModelOptions& options);

/// --text and --image, in the order of the command line: one item each.
void add_item_options(CLI::App& command, std::vector<embed::ItemList::Entry>& entries);

/// --adapter.
void add_adapter_option(CLI::App& command, ModelOptions& options);

/// --prompt alone.
void add_prompt_option(CLI::App& command, std::string& prompt);

/// --threads: more than any machine has would exhaust it before anything is computed.
void add_threads_option(CLI::App& command, int& threads, const std::string& description);

/// A whole number in [least, most].
template <class T>
void add_number(CLI::App& command, const std::string& name, T& value, T least, const std::string& description,
                T most = std::numeric_limits<T>::max()) {
  const auto check = [least, most](const std::string& text) -> std::string {
    T parsed = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, parsed);
    if (result.ec == std::errc() && result.ptr == end && parsed >= least && parsed <= most) return "";
    return fmt::format("expected a whole number from {} to {}, found {}", least, most, text);
  };
  command.add_option(name, value, description)->option_text("N")->check(CLI::Validator(check, "N"));
}

/// Options of a command, and of all commands in it, refuse an empty value: a shell variable that is not set would else
/// count as an option that is not given, and the base model be taken for the adapted one. --text is not among them: an
/// empty text is a text.
void refuse_empty_values(CLI::App& command);

/// The names of all prompts, for help pages.
std::string prompt_names_text();

}  // namespace e5v::app
