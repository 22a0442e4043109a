#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace e5v::app {

/// The command, or the command of a command, that was asked for.
const CLI::App& asked_for(const CLI::App& app);

/// "e5v eval sts": how a command is called.
std::string call_of(const CLI::App& command);

/// True when no command was named where one must be.
bool lacks_command(const CLI::App& app);

/// True when there are words that no command takes. The parser ignores them when it is asked for help.
bool has_unknown_words(const CLI::App& app);

/// The message about a wrong command line, with the word that was probably meant. `words` are those of the command
/// line. An unknown word is reported before the parser's own error, because it is often the cause.
std::string complaint(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words);

}  // namespace e5v::app
