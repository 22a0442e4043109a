#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "library/changes.h"
#include "library/embedding_run.h"
#include "options.h"

namespace e5v::app {

struct IndexOptions {
  std::vector<std::string> folders;
  std::filesystem::path library;
  std::string store;  ///< an address; empty: the library
  ModelOptions model;
  const CLI::App* command = nullptr;  ///< says which options were given
  std::vector<std::string> exclude;
  std::int64_t max_file_mebibytes = 1024;
  std::int64_t claim_seconds = 60;
  bool status = false, json = false, purge = false, rebuild = false, retry = false, watch = false, recall = false;
};

/// Prints a message on stderr, which shares the terminal with the progress line.
void tell_index(const std::string& message);

/// What a run has done, in a line.
std::string index_summary(const library::Changes& changes, const library::Indexed& done, double seconds);

/// Says, once for each `told`, if photos get no metadata.
void tell_without_metadata(bool& told);

}  // namespace e5v::app
