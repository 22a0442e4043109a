#pragma once
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <string>
#include <vector>

#include "e5v/embedder.h"
#include "processes/group.h"
#include "runs/items.h"

namespace e5v::app {

/// What the subcommands that load a model have in common.
struct ModelOptions {
  std::filesystem::path folder;
  LoadOptions load;
  PrepareOptions prepare;
  RunOptions run;

  bool operator==(const ModelOptions&) const = default;
};

/// --model, --dtype and --threads; with `required`, --model must be given.
void add_model_options(CLI::App& command, ModelOptions& options, bool required = true);

/// Collective: without --threads and OMP_NUM_THREADS, the processes of a machine share its cores.
void share_cores(const processes::Group& group, ModelOptions& options);

/// --alpha, or in a command where that is another's, the name given.
void add_alpha_option(CLI::App& command, Alpha& alpha, const std::string& name = "--alpha");

/// --prompt, --paper-compat, --alpha, --max-tiles, --max-pixels, --no-exif, --truncate and --token-budget.
void add_input_options(CLI::App& command, ModelOptions& options);

/// --text and --image, in the order of the command line: one item each.
void add_item_options(CLI::App& command, std::vector<runs::ItemList::Entry>& entries);

/// --adapter.
void add_adapter_option(CLI::App& command, ModelOptions& options);

/// --prompt alone.
void add_prompt_option(CLI::App& command, std::string& prompt);

/// --threads: more than any machine has would exhaust it before anything is computed.
void add_threads_option(CLI::App& command, int& threads, const std::string& description);

/// Steps, rows, captions: more than this is a mistake, and less than what sums of them can hold.
inline constexpr std::int64_t kMostCounted = 1'000'000'000;

/// The text as a number in [minimum, maximum]; otherwise what was expected instead of it.
template <class T>
std::string problem_of_number(const std::string& text, const char* kind, T minimum, T maximum) {
  T parsed = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, parsed);
  if (result.ec == std::errc() && result.ptr == end && parsed >= minimum && parsed <= maximum) return "";
  return fmt::format("expected a {} from {} to {}, found {}", kind, minimum, maximum, text.empty() ? "nothing" : text);
}

/// A whole number in [minimum, maximum].
template <class T>
void add_number(CLI::App& command, const std::string& name, T& value, T minimum, const std::string& description,
                T maximum = static_cast<T>(kMostCounted)) {
  const auto check = [=](const std::string& text) { return problem_of_number(text, "whole number", minimum, maximum); };
  command.add_option(name, value, description)->option_text("N")->check(CLI::Validator(check, "N"));
}

/// A number in [minimum, maximum]; the description ends with the default.
template <class T>
void add_real(CLI::App& command, const std::string& name, T& value, T minimum, T maximum,
              const std::string& description) {
  const auto check = [=](const std::string& text) { return problem_of_number(text, "number", minimum, maximum); };
  command.add_option(name, value, fmt::format("{} ({})", description, value))
      ->option_text("X")
      ->check(CLI::Validator(check, "X"));
}

/// --seed: any number that 64 bits hold.
void add_seed_option(CLI::App& command, std::uint64_t& seed, const std::string& description);

/// Options of a command, and of all commands in it, refuse an empty value: a shell variable that is not set would else
/// count as an option that is not given, and the base model be taken for the adapted one. --text is not among them: an
/// empty text is a text.
void refuse_empty_values(CLI::App& command);

/// The names of all prompts, for help pages.
std::string prompt_names_text();

}  // namespace e5v::app
