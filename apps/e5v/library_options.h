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

/// The model of a library or store with the options that its vectors depend on, unless --model is given. Device,
/// threads and token budget are always those of the command line. Throws InvalidInput, which begins with `store`, if
/// there is neither.
ModelOptions model_for(const std::optional<library::ModelRecord>& record, const std::string& store,
                       const ModelOptions& given);

/// Loads the model that model_for() chose, and returns its record in `record`.
Embedder load_library_model(const ModelOptions& chosen, library::ModelRecord& record);

/// "1 photo", "2 photos".
std::string counted(std::int64_t number, std::string_view noun);

}  // namespace e5v::app
