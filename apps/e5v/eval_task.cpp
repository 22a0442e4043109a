#include "eval_task.h"

#include <fmt/format.h>

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

/// Why a prompt does not fit such inputs; empty when it fits.
std::string problem_of(const std::string& prompt, PromptFor inputs) {
  struct Slot {
    std::string_view text;
    bool wanted;
  };
  const std::array<Slot, 2> slots{{{"<sent>", inputs != PromptFor::images}, {"<image>", inputs != PromptFor::texts}}};
  const char* expected = inputs == PromptFor::texts    ? "<sent> alone"
                         : inputs == PromptFor::images ? "<image> alone"
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

/// Whether an existing file may be replaced, because it is empty or an earlier result (JSON, a page or a submission).
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
  CLI::Option* model = command.get_option("--model");
  model->description(model->get_description() + task.model_note());
  add_adapter_option(command, task.model.load);
  add_prepare_options(command, task.model.prepare);
  add_budget_option(command, task.model.run);
  add_table(command, {{"--store", path(task.store, "DIR"),
                       "the folder of the vector store; computed vectors are kept there, and later runs reuse them",
                       "$XDG_CACHE_HOME/e5v/vectors, or ~/.cache/e5v/vectors"}});
}

void add_skip_missing(CLI::App& command, bool& skip) {
  add_table(command,
            {{"--skip-missing", flag(skip),
              "leave out missing images, and the queries, captions and pairs that need them; the result says how "
              "many were left out"}});
}

OptionField prompt_of(std::string& prompt, PromptFor inputs) {
  return text(prompt, "PROMPT").checked([inputs](const std::string& given) { return problem_of(given, inputs); });
}

void add_output_options(CLI::App& command, EvalOutputs& outputs) {
  add_table(command,
            {{"--json", path(outputs.json, "FILE"), "the JSON file to write, with the results and examples"},
             {"--html", path(outputs.html, "FILE"), "the HTML page to write, with the results, charts and examples"}});
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
  require(!fs::exists(file) || is_result(file),
          "[{}] exists and is no result of e5v eval: remove it, or name another file", file.string());
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  require(fs::is_directory(folder), "[{}] no such folder to write to", folder.string());
}

void add_folder_options(CLI::App& command, FolderOptions& options, const FolderTexts& texts) {
  add_table(command,
            {{"--data", path(options.data, "DIR").required(), texts.data},
             {"--images", path(options.images, "DIR"), "the folder of the images", texts.default_images},
             {"--split", text(options.split, "NAME"), fmt::format("the split of the data set: {}", texts.splits)}});
}

}  // namespace e5v::app
