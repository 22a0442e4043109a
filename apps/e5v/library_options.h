#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>

#include "e5v/embedder.h"
#include "library/library.h"
#include "options.h"

namespace e5v::app {

/// Adds --library.
void add_library_option(CLI::App& command, std::filesystem::path& folder);

/// The folder of --library, or the default one.
std::filesystem::path library_folder(const std::filesystem::path& given);

/// Adds --model, --dtype, --device, --threads, --adapter and the options of add_prepare_options(). Without --model, the
/// defaults are those of the library.
void add_library_model_options(CLI::App& command, ModelOptions& options);

/// The options of a command line to which add_library_model_options() has added. With --model, they stay as they are.
/// Without it, the model and each option that was not given are those of the library; device, threads and token budget
/// are not kept there. Throws InvalidInput if there is neither.
ModelOptions model_for(const library::Library& library, const ModelOptions& given, const CLI::App& command);

/// Loads the model that model_for() chose, and returns its record in `record`.
Embedder load_library_model(const ModelOptions& chosen, library::ModelRecord& record);

/// "1 photo", "2 photos".
std::string counted(std::int64_t number, std::string_view noun);

}  // namespace e5v::app
