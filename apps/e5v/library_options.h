#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "e5v/embedder.h"
#include "library/library.h"
#include "options.h"

namespace e5v::app {

/// Adds --library.
void add_library_option(CLI::App& command, std::filesystem::path& folder);

/// Adds --store.
void add_store_option(CLI::App& command, std::string& url);
/// Throws CLI::ExcludesError if both --store and --library are given.
void require_one_store(const std::string& url, const std::filesystem::path& library);

/// The folder of --library, or the default one.
std::filesystem::path library_folder(const std::filesystem::path& given);

/// Adds --model, --dtype, --device, --threads, --adapter and the options of add_prepare_options(). Without --model, the
/// defaults are those of the library.
void add_library_model_options(CLI::App& command, ModelOptions& options);

/// The options of a command line to which add_library_model_options() has added. With --model, they stay as they are.
/// Without it, the model and each option that was not given are those of the library or store; device, threads and
/// token budget are not kept there. Throws InvalidInput, which begins with `store`, if there is neither.
ModelOptions model_for(const std::optional<library::ModelRecord>& recorded_model, const std::string& store,
                       const ModelOptions& given, const CLI::App& command);

/// Loads the model that model_for() chose, and returns its record in `record`.
Embedder load_library_model(const ModelOptions& chosen, library::ModelRecord& record);

/// "1 photo", "2 photos".
std::string counted(std::int64_t number, std::string_view noun);

}  // namespace e5v::app
