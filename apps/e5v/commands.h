#pragma once
#include <CLI/CLI.hpp>
#include <functional>

namespace e5v::app {

/// Exit codes. The library has no error for wrong usage, because the parser of the command line finds it.
enum ExitCode : int {
  kSuccess = 0,
  kFailure = 1,
  kUsage = 2,
  kLeftOut = 3,  ///< --skip-bad left items out
};

/// Runs a subcommand whose options have been parsed, and returns the exit code. Throws what the library throws.
using Run = std::function<int()>;

/// Each function adds one subcommand to the program.
Run add_embed(CLI::App& app);
Run add_similarity(CLI::App& app);
Run add_info(CLI::App& app);
Run add_tokenize(CLI::App& app);
Run add_doctor(CLI::App& app);
Run add_quantize(CLI::App& app);
Run add_serve(CLI::App& app);
Run add_synth(CLI::App& app);
Run add_train(CLI::App& app);
Run add_merge(CLI::App& app);
Run add_eval(CLI::App& app);
Run add_index(CLI::App& app);
Run add_search(CLI::App& app);
Run add_duplicates(CLI::App& app);
Run add_copy(CLI::App& app);
Run add_browse(CLI::App& app);

}  // namespace e5v::app
