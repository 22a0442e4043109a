#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "e5v/embedder.h"
#include "embed/items.h"

namespace e5v::app {

/// What the subcommands that load a model have in common.
struct ModelOptions {
  std::filesystem::path folder;
  EmbedderOptions embedder;
};

/// --model, --dtype and --threads; with `required`, --model must be given.
void add_model_options(CLI::App& command, ModelOptions& options, bool required = true);

/// --prompt, --paper-compat, --max-tiles, --max-pixels, --no-exif, --truncate and --token-budget.
void add_input_options(CLI::App& command, ModelOptions& options);

/// --text and --image, in the order of the command line: one item each.
void add_item_options(CLI::App& command, std::vector<embed::ItemList::Entry>& entries);

/// --prompt alone.
void add_prompt_option(CLI::App& command, std::string& prompt);

/// The names of all prompts, for help pages.
std::string prompt_names_text();

}  // namespace e5v::app
