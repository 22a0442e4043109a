#include <fmt/format.h>

#include <clocale>
#include <csignal>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/standard_output.h"
#include "command_line.h"
#include "commands.h"
#include "flags.h"
#include "interrupt.h"
#include "processes/ending.h"
#include "processes/launch.h"
#include "terminal.h"
#include "usage.h"

namespace e5v::app {
namespace {

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

int run(const std::vector<std::string>& words) {
  CommandLine line;
  try {
    line.parse(words);
  } catch (const CLI::Success& success) {  // help or version was asked for
    return has_unknown_words(line.app()) ? fail_usage(line.app(), success, words) : line.app().exit(success);
  } catch (const CLI::ParseError& error) {
    return fail_usage(line.app(), error, words);
  }
  const CommandLine::Command& command = line.parsed();
  const int processes = processes::launch().size;
  const std::string& name = command.app->get_name();
  if (processes > 1 && name != "embed" && name != "train")
    return fail_with(fmt::format("{} runs as one process, but {} were started", name, processes), kUsage);
  return command.run();
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
    return app::run({argv + 1, argv + argc});
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
