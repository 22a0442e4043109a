#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "commands.h"

namespace e5v::app {

/// The command line of the program, with all its commands.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Parses the words after the program's name. Throws CLI::Success if help or the version is asked for, and another
  /// CLI::ParseError for wrong usage. May be called again.
  void parse(const std::vector<std::string>& words);

  struct Command {
    CLI::App* app;
    Run run;
  };
  /// Returns the command that was parsed.
  const Command& parsed() const;

  const CLI::App& app() const { return app_; }

 private:
  CLI::App app_;
  std::vector<Command> commands_;
};

}  // namespace e5v::app
