#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace e5v::app {

/// The command that was asked for, which may be a subcommand.
const CLI::App& asked_for(const CLI::App& app);

/// The words that call a command, such as "e5v eval sts".
std::string call_of(const CLI::App& command);

/// True when the name of a command is missing.
bool lacks_command(const CLI::App& app);

/// True when no command takes some of the words. The parser ignores such words when it is asked for help.
bool has_unknown_words(const CLI::App& app);

/// The message about a wrong command line, with the word that was probably meant. `words` is the
/// command line. An unknown word is reported before the parser's own error, because it is often the cause.
std::string complaint(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words);

}  // namespace e5v::app
