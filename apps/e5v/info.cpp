#include "inspect/info.h"

#include <unistd.h>

#include <algorithm>

#include "base/standard_output.h"
#include "commands.h"
#include "options.h"
#include "terminal.h"

namespace e5v::app {
namespace {

struct InfoOptions {
  ModelOptions model;
  bool json = false;
};

int run_info(const InfoOptions& options) {
  constexpr int kLabel = 17;
  const inspect::ModelInfo info =
      inspect::inspect(options.model.folder, options.model.load, options.model.prepare, options.model.run);
  std::string text;
  if (options.json) {
    text = inspect::to_json(info).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  } else {
    const int columns = terminal_columns(STDOUT_FILENO);
    const int width = columns == 0 ? 1 << 20 : std::max(columns, kLabel + 20);
    for (const auto& [label, value] : inspect::describe(info)) {
      text += fitted(label, kLabel) + wrapped(one_line(value), width, kLabel) + "\n";
    }
  }
  write_stream(stdout, text);
  return kSuccess;
}

}  // namespace

Run add_info(CLI::App& app) {
  const auto options = std::make_shared<InfoOptions>();
  CLI::App* command = app.add_subcommand(
      "info",
      "describe a checkpoint: its parts, its arithmetic on this machine, and the memory it needs\n"
      "\n"
      "The command opens the checkpoint but does not load its weights. It predicts the memory from the "
      "sizes of the tensors.");
  command->footer(
      "Example:\n"
      "  e5v info --model e5-v --dtype bf16");
  add_model_options(*command, options->model);
  add_input_options(*command, options->model);
  add_table(*command, {{"--json", flag(options->json), "print one JSON object; its sizes are in bytes"}});
  return [options] { return run_info(*options); };
}

}  // namespace e5v::app
