#include "eval_task.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/file.h"
#include "base/hub_cache.h"
#include "base/json.h"
#include "base/parallel.h"
#include "families/table.h"
#include "report/page.h"
#include "text/prompt.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;

/// Why a prompt is none for such inputs; empty when it is one.
std::string problem_of(const std::string& prompt, PromptFor inputs) {
  struct Slot {
    std::string_view text;
    bool wanted;
  };
  const std::array<Slot, 2> slots{{{"<sent>", inputs != PromptFor::pictures}, {"<image>", inputs != PromptFor::texts}}};
  const char* expected = inputs == PromptFor::texts      ? "<sent> alone"
                         : inputs == PromptFor::pictures ? "<image> alone"
                                                         : "both <sent> and <image>";
  try {
    const std::string text = text::prompt_template(prompt, text::ChatStyle::llama3);
    for (const Slot& slot : slots) {
      const bool has = text.find(slot.text) != std::string::npos;
      if (has != slot.wanted)
        return fmt::format("[prompt] {} has {}{}, expected {}", in_quotes(prompt), has ? "" : "no ", slot.text,
                           expected);
    }
    return "";
  } catch (const InvalidInput& error) {
    return error.what();
  }
}

/// Whether a file that exists may be replaced unasked: an earlier result, as JSON, a page or a submission, or nothing.
bool is_result(const fs::path& file) {
  const std::string text = read_file(file);
  if (text.empty() || report::is_page(text)) return true;
  const Json json = Json::parse(text, nullptr, false);
  const auto has = [&](const char* first, const char* second) { return json.contains(first) && json.contains(second); };
  return json.is_object() && (has("task", "figures") || has("suite", "results") || has("version", "metric"));
}

}  // namespace

void EvalTask::check_prompt(const std::string& prompt) const {
  const families::Family* family = needs_model() ? families::find_family(hub_snapshot(model.folder)) : nullptr;
  if (family != nullptr && family->has_plain_prompts()) text::find_prompt(prompt, text::ChatStyle::plain);
}

void read_data(EvalTask& task) {
  set_thread_count(task.model.load.threads);
  task.read();
}

void add_task_options(CLI::App& command, EvalTask& task) {
  task.add_options(command);
  add_model_options(command, task.model, false);
  add_adapter_option(command, task.model);
  PrepareOptions& prepare = task.model.prepare;
  command.add_flag("--paper-compat", prepare.paper_compat,
                   "prepare images as transformers 4.41.2 did, on which the paper's figures rest");
  add_alpha_option(command, prepare.alpha);
  add_number(command, "--max-tiles", prepare.max_tiles, 1, "tiles per image, the base one included",
             PrepareOptions::kMostTiles);
  command.add_flag("--truncate", prepare.truncate, "cut texts that exceed the context");
  command
      .add_option("--store", task.store,
                  "folder of vectors that are known already (~/.cache/e5v/vectors); nothing is computed twice")
      ->option_text("DIR");
}

void add_names_option(CLI::App& command, const char* name, std::vector<std::string>& chosen,
                      const std::vector<std::string>& names) {
  const auto set = [&chosen, name](const std::vector<std::string>& given) {
    for (auto at = given.begin(); at != given.end(); ++at)
      if (std::find(given.begin(), at, *at) != at) throw CLI::ValidationError(name, *at + " is named twice");
    chosen = given;
  };
  command
      .add_option_function<std::vector<std::string>>(name, set,
                                                     fmt::format("some of {}, by commas (all)", fmt::join(names, ", ")))
      ->option_text("NAMES")
      ->delimiter(',')
      ->check(CLI::IsMember(names));
}

void add_skip_missing(CLI::App& command, bool& skip) {
  command.add_flag("--skip-missing", skip,
                   "leave out pictures that are missing, and what is asked about them; the result says how many");
}

void add_prompt_option(CLI::App& command, const char* name, std::string& prompt, PromptFor inputs, const char* what) {
  command.add_option(name, prompt, std::string("prompt of ") + what)
      ->option_text("PROMPT")
      ->check(CLI::Validator([inputs](const std::string& given) { return problem_of(given, inputs); }, "PROMPT"));
}

void add_output_options(CLI::App& command, EvalOutputs& outputs) {
  command.add_option("--json", outputs.json, "file to write figures and examples to")->option_text("FILE");
  command.add_option("--html", outputs.html, "file to write a page with figures, charts and examples to")
      ->option_text("FILE");
}

void EvalOutputs::check_usage() const {
  if (!json.empty() && json == html) throw CLI::ValidationError("--json and --html", "name the same file");
}

void EvalOutputs::check_places() const {
  for (const fs::path& file : {json, html})
    if (!file.empty()) check_writable_place(file);
}

void check_writable_place(const fs::path& file) {
  require(!fs::is_directory(file), "[{}] is a folder, expected a file to write", file.string());
  require(!fs::exists(file) || is_result(file), "[{}] exists and is no result of e5v: remove it, or name another file",
          file.string());
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  require(fs::is_directory(folder), "[{}] no such folder to write to", folder.string());
}

void add_folder_options(CLI::App& command, FolderOptions& options, const char* what) {
  command.add_option("--data", options.data, what)->option_text("DIR")->required();
  command.add_option("--images", options.images, "folder of the pictures")->option_text("DIR");
  command.add_option("--split", options.split, "of the data (val)")->option_text("NAME");
}

}  // namespace e5v::app
