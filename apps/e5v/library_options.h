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

/// The model of a library with the options that its vectors depend on, unless --model is given. Device, threads and
/// token budget are always those of the command line. Throws InvalidInput if there is neither.
ModelOptions model_for(const library::Library& library, const ModelOptions& given);

/// Loads the model that model_for() chose, and returns its record in `record`.
Embedder load_library_model(const ModelOptions& chosen, library::ModelRecord& record);

/// "1 photo", "2 photos".
std::string counted(std::int64_t number, std::string_view noun);

}  // namespace e5v::app
