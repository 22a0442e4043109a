#include <fmt/format.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/standard_output.h"
#include "commands.h"
#include "e5v/version.h"
#include "flags.h"
#include "help.h"
#include "interrupt.h"
#include "options.h"
#include "processes/ending.h"
#include "processes/launch.h"
#include "terminal.h"
#include "usage.h"

namespace e5v::app {
namespace {

struct Command {
  CLI::App* app;
  Run run;
};

std::vector<Command> add_commands(CLI::App& app) {
  std::vector<Command> commands;
  for (const auto& add : {add_embed, add_similarity, add_info, add_tokenize, add_doctor, add_eval, add_train, add_merge,
                          add_quantize, add_synth, add_serve, add_index, add_search, add_duplicates}) {
    Run run = add(app);
    const std::vector<CLI::App*> all = app.get_subcommands([](const CLI::App*) { return true; });
    commands.push_back({all.back(), std::move(run)});
  }
  return commands;
}

/// One of several processes prints the message, and then all are ended.
int fail_with(std::string_view message, int code) {
  if (processes::tells_failure()) tell("e5v: {}{}\n", processes::failure_prefix(), one_line(with_flags(message)));
  processes::end_all(code);
  return code;
}

/// Wrong usage. Prints one line that says where the help is, or the help itself when no command is named.
int fail_usage(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words) {
  if (!lacks_command(app)) {
    const std::string help = call_of(asked_for(app)) + " --help";
    return fail_with(fmt::format("{} (see {})", complaint(app, error, words), help), kUsage);
  }
  if (processes::tells_failure()) tell("e5v: expected a command\n\n{}", app.help());
  processes::end_all(kUsage);
  return kUsage;
}

/// The words after the program's name in reverse order, which the parser takes. "--name=" (perhaps from an unset shell
/// variable) becomes "--name" and an empty value. Otherwise the parser would take the next word as the value.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    const bool is_text = !arguments.empty() && arguments.back() == "--text";
    const bool is_empty = argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    if (is_empty && !is_text) {
      argument.pop_back();
      arguments.push_back(argument);
      argument.clear();
    }
    arguments.push_back(std::move(argument));
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

int run(int argc, char** argv) {
  CLI::App app(
      "e5v maps texts, images, and images modified by a text (composed queries) to vectors in one shared "
      "space",
      "e5v");
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_version_flag("--version", std::string("e5v ") + E5V_VERSION, "print the version of this program");
  app.get_help_ptr()->description("print this page");
  app.require_subcommand(1);
  app.footer("e5v COMMAND --help lists the options of a command.");
  const std::vector<Command> commands = add_commands(app);
  refuse_empty_values(app);
  for (const Command& command : commands) command.app->get_help_ptr()->description("print this page");
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    app.parse(arguments_of(argc, argv));
  } catch (const CLI::Success& success) {  // help or version was asked for
    return has_unknown_words(app) ? fail_usage(app, success, words) : app.exit(success);
  } catch (const CLI::ParseError& error) {
    return fail_usage(app, error, words);
  }
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    const int processes = processes::launch().size;
    const std::string& name = command.app->get_name();
    if (processes > 1 && name != "embed" && name != "train") {
      return fail_with(fmt::format("{} runs as one process, but {} were started", name, processes), kUsage);
    }
    return command.run();
  }
  return kUsage;
}

}  // namespace
}  // namespace e5v::app

int main(int argc, char** argv) {
  using namespace e5v;
  let_threads_sleep(argv);
  app::exit_at_signals();
  std::setlocale(LC_CTYPE, "C.UTF-8");  // needed for the widths of characters
  std::signal(SIGPIPE, SIG_IGN);        // a closed pipe is an error to handle
  std::signal(SIGXFSZ, SIG_IGN);        // a file that may not grow is an error, too
  try {
    return app::run(argc, argv);
  } catch (const BrokenPipe&) {
    processes::end_all(app::kSuccess);  // the reader of the output has closed it
    return app::kSuccess;
  } catch (const std::bad_alloc&) {
    return app::fail_with("out of memory", app::kFailure);
  } catch (const Error& error) {
    return app::fail_with(error.what(), app::kFailure);
  } catch (const std::filesystem::filesystem_error& error) {
    return app::fail_with(fmt::format("[{}] {}", error.path1().string(), error.code().message()), app::kFailure);
  } catch (const std::exception& error) {
    return app::fail_with(fmt::format("unexpected: {}", error.what()), app::kFailure);
  }
}
