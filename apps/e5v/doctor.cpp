#include "inspect/doctor.h"

#include <fmt/format.h>

#include "base/parallel.h"
#include "base/standard_output.h"
#include "commands.h"
#include "flags.h"
#include "inspect/self_test.h"
#include "options.h"
#include "terminal.h"

namespace e5v::app {
namespace {

int run_doctor(const ModelOptions& options) {
  int failed = 0;
  const inspect::ReportCheck report = [&](const inspect::Check& check) {
    constexpr int kName = 26;
    failed += check.ok ? 0 : 1;
    write_stream(stdout, fmt::format("{:<5} {}  {}\n", check.ok ? "ok" : "FAIL",
                                     display_width(check.name) <= kName ? fitted(check.name, kName) : check.name,
                                     one_line(with_flags(check.detail))));
  };
  set_thread_count(options.load.threads);
  inspect::check_machine(options.load.device, report);
  inspect::self_test(report);
  if (!options.folder.empty()) inspect::check_model(options.folder, options.load, report);
  write_stream(
      stdout, failed == 0 ? "all checks passed\n" : fmt::format("{} check{} failed\n", failed, failed == 1 ? "" : "s"));
  return failed == 0 ? kSuccess : kFailure;
}

}  // namespace

Run add_doctor(CLI::App& app) {
  const auto options = std::make_shared<ModelOptions>();
  CLI::App* command = app.add_subcommand(
      "doctor",
      "check this machine and, with --model, the files of a checkpoint\n"
      "\n"
      "Each check prints a line that begins with ok or FAIL. If a check fails, the exit code is 1. With "
      "--model, the command reads all weights of the checkpoint and searches them for NaN. Then it loads "
      "the model and embeds a sentence.");
  command->footer(
      "Example:\n"
      "  e5v doctor --model e5-v");
  add_model_options(*command, *options, false);
  return [options] { return run_doctor(*options); };
}

}  // namespace e5v::app
