#include "eval_suite.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "spelling.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;

/// Options for a parser, by name without dashes. An option replaces an earlier one of the same name.
class Arguments {
 public:
  void set(const std::string& name, std::vector<std::string> values) {
    const auto found = std::ranges::find(given_, name, &Given::first);
    if (found == given_.end()) {
      given_.emplace_back(name, std::move(values));
    } else {
      found->second = std::move(values);
    }
  }

  /// The words in reverse order, which the parser takes.
  std::vector<std::string> reversed() const {
    std::vector<std::string> arguments;
    for (const auto& [name, values] : given_)
      for (const std::string& value : values) arguments.push_back(fmt::format("--{}={}", name, value));
    std::ranges::reverse(arguments);
    return arguments;
  }

 private:
  using Given = std::pair<std::string, std::vector<std::string>>;
  std::vector<Given> given_;
};

bool is_path(const CLI::Option& option) {
  constexpr std::array<std::string_view, 3> kPaths{"DIR", "FILE", "NPY"};
  return std::ranges::find(kPaths, option.get_option_text()) != kPaths.end();
}

/// A key's value as the words of a command line.
std::vector<std::string> words_of(const Json& value, const CLI::Option& option, const fs::path& folder) {
  std::vector<std::string> words;
  for (const Json& part : value.is_array() ? value : Json::array({value})) {
    require(part.is_string() || part.is_number() || part.is_boolean(), "\"{}\" has an unexpected type: {}",
            option.get_single_name(), part.type_name());
    const std::string word = part.is_string() ? part.get<std::string>() : part.dump();
    require(!word.empty(), "\"{}\" is empty; leave the key out if you do not want it", option.get_single_name());
    words.push_back(is_path(option) && part.is_string() ? (folder / word).lexically_normal().string() : word);
  }
  return words;
}

/// The keys that a task may have.
std::vector<Spelling> keys_of(const CLI::App& command) {
  std::vector<Spelling> keys;
  for (const CLI::Option* option : command.get_options())
    keys.push_back({option->get_single_name(), fmt::format("\"{}\"", option->get_single_name())});
  return keys;
}

/// Reads a suite.
class SuiteReader {
 public:
  SuiteReader(const fs::path& file, const CLI::App& given, std::span<const EvalKind* const> kinds)
      : file_(file), folder_(file.parent_path()), given_(given), kinds_(kinds), suite_(read_json(file)) {
    require(
        suite_.is_object() && suite_.contains("tasks") && suite_.at("tasks").is_array() && !suite_.at("tasks").empty(),
        "[{}] has no list \"tasks\", expected {{\"tasks\": [{{\"task\": \"sts\", \"data\": ...}}, ...]}}",
        file.string());
  }

  std::vector<std::unique_ptr<EvalTask>> read() {
    std::vector<std::unique_ptr<EvalTask>> tasks;
    std::vector<std::string> problems;
    std::size_t index = 0;
    for (const Json& entry : suite_.at("tasks")) {
      const std::string where = fmt::format("tasks[{}]", index++);
      try {
        tasks.push_back(task_of(entry));
      } catch (const CLI::ParseError& error) {
        problems.push_back(fmt::format("{}: {}", where, error.what()));
      } catch (const InvalidInput& error) {
        problems.push_back(fmt::format("{}: {}", where, error.what()));
      }
    }
    for (const auto& [key, value] : suite_.items())
      if (key != "tasks" && !known_.contains(key)) problems.push_back(fmt::format("no task has an option \"{}\"", key));
    require(problems.empty(), "[{}] nothing was computed: {}", file_.string(), fmt::join(problems, "; "));
    return tasks;
  }

 private:
  std::unique_ptr<EvalTask> task_of(const Json& entry) {
    const EvalKind& kind = kind_of(entry);
    std::unique_ptr<EvalTask> task = kind.make();
    CLI::App command(kind.description, kind.name);
    command.set_help_flag();
    add_task_options(command, *task);
    command.parse(arguments_of(entry, command).reversed());
    require(!task->needs_model() || !task->model.folder.empty(),
            "expected a model: \"model\" in the task or in the suite, or --model");
    require(!task->needs_model() || fs::is_directory(task->model.folder), "[{}] is no folder, expected a checkpoint",
            task->model.folder.string());
    read_data(*task);
    return task;
  }

  const EvalKind& kind_of(const Json& entry) const {
    require(entry.is_object() && entry.contains("task") && entry.at("task").is_string(),
            "expected an object with \"task\": {}", fmt::join(names(), ", "));
    const auto name = entry.at("task").get<std::string>();
    const auto found = std::ranges::find(kinds_, name, [](const EvalKind* kind) { return kind->name; });
    require(found != kinds_.end(), "{} is no task, expected one of {}", in_quotes(name), fmt::join(names(), ", "));
    return **found;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const EvalKind* kind : kinds_) all.emplace_back(kind->name);
    return all;
  }

  /// The options of the suite, of the command line and of the task. A later one replaces an earlier one.
  Arguments arguments_of(const Json& entry, const CLI::App& command) {
    Arguments arguments;
    for (const auto& [key, value] : suite_.items()) {
      const CLI::Option* option = key == "tasks" ? nullptr : command.get_option_no_throw("--" + key);
      if (option == nullptr) continue;
      known_.insert(key);
      arguments.set(key, words_of(value, *option, folder_));
    }
    for (const CLI::Option* option : given_.get_options()) {
      const std::string name = option->get_single_name();
      if (option->count() > 0 && command.get_option_no_throw("--" + name) != nullptr)
        arguments.set(name, option->results());
    }
    for (const auto& [key, value] : entry.items()) {
      if (key == "task") continue;
      const CLI::Option* option = command.get_option_no_throw("--" + key);
      require(option != nullptr, "{} has no option \"{}\"{}", command.get_name(), key,
              did_you_mean(key, keys_of(command)));
      arguments.set(key, words_of(value, *option, folder_));
    }
    return arguments;
  }

  fs::path file_, folder_;
  const CLI::App& given_;
  std::span<const EvalKind* const> kinds_;
  Json suite_;
  std::set<std::string> known_;  // keys of the suite that belong to a task's options
};

}  // namespace

std::vector<std::unique_ptr<EvalTask>> read_suite(const fs::path& file, const CLI::App& given,
                                                  std::span<const EvalKind* const> kinds) {
  require(fs::exists(file),
          "[{}] is missing, expected a suite: {{\"tasks\": [{{\"task\": \"sts\", \"data\": ...}}, ...]}}",
          file.string());
  return SuiteReader(file, given, kinds).read();
}

}  // namespace e5v::app
