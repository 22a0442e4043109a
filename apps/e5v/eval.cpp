#include <array>
#include <chrono>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/standard_output.h"
#include "commands.h"
#include "eval/page.h"
#include "eval_run.h"
#include "eval_suite.h"
#include "runs/vector_sink.h"

namespace e5v::app {
namespace {

constexpr std::array kKinds{&kStsEval,  &kTransferEval, &kRetrievalEval, &kFashioniqEval,
                            &kCirrEval, &kGapEval,      &kPairsEval};

/// Files are written before the table is printed, so that they exist when a program has read the table.
void write_files(const EvalOutputs& outputs, const Json& json, std::span<const eval::Result> results) {
  if (!outputs.json.empty())
    write_file_atomically(outputs.json, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  if (!outputs.html.empty()) write_file_atomically(outputs.html, eval::page_of(results));
}

/// The results of a suite so far. They are written after each evaluation, so that a later error or signal does not lose
/// them.
class SuiteReport {
 public:
  SuiteReport(const EvalOutputs& outputs, const std::filesystem::path& suite, std::size_t count)
      : outputs_(outputs), count_(count), json_{{"suite", suite.string()}, {"results", Json::array()}} {}

  void add(eval::Result result) {
    json_["results"].push_back(eval::json_of(result));
    json_["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    results_.push_back(std::move(result));
    if (results_.size() < count_) {
      json_["unfinished"] = count_ - results_.size();
    } else {
      json_.erase("unfinished");
    }
    write_files(outputs_, json_, results_);
    print_last();
  }

 private:
  void print_last() const {
    try {
      write_stream(stdout, (results_.size() == 1 ? "" : "\n") + eval::table_of(results_.back()));
    } catch (const BrokenPipe&) {
      if (outputs_.json.empty() && outputs_.html.empty()) throw;  // otherwise the files are written below
    }
  }

  const EvalOutputs& outputs_;
  std::size_t count_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::vector<eval::Result> results_;
  Json json_;
};

Run add_task(CLI::App& parent, const EvalKind& kind) {
  struct Command {
    std::unique_ptr<EvalTask> task;
    EvalOutputs outputs;
  };
  const auto command = std::make_shared<Command>(Command{kind.make(), {}});
  CLI::App* app = parent.add_subcommand(kind.name, kind.description)->footer(kind.footer);
  add_task_options(*app, *command->task);
  add_output_options(*app, command->outputs);
  app->callback([command] {
    command->task->check_usage();
    command->outputs.check_usage();
  });
  return [command] {
    command->outputs.check_places();
    read_data(*command->task);
    return interruptible([&](EvalRunner& runner) {
      const eval::Result result = runner.run(*command->task);
      write_files(command->outputs, eval::json_of(result), {&result, 1});
      write_stream(stdout, eval::table_of(result));
    });
  };
}

constexpr const char* kAllFooter =
    "A suite is a JSON file: {\"model\": DIR, \"tasks\": [{\"task\": \"sts\", \"data\": DIR}, {\"task\": "
    "\"retrieval\", \"captions\": FILE, \"name\": \"coco\", \"rendered-text\": true}, ...]}. The keys of "
    "a task are the options of its command, without the two leading dashes. Keys outside of \"tasks\" "
    "apply to all tasks that have this option. Options on the command line override them, and the keys of a task "
    "override both. Relative paths in the suite are relative to its folder. Relative paths on the command line are "
    "relative to the current folder.\n"
    "\n"
    "All data are read before the first computation, so missing data are reported at the start. The "
    "result of each task is printed and written as soon as the task is finished. It is kept if a later "
    "task fails.\n"
    "\n"
    "Example:\n"
    "  e5v eval all --suite suite.json --model e5-v --json all.json --html all.html";

/// A task without options of its own. It has the options that hold for all tasks of a suite.
class NoTask : public EvalTask {
 public:
  void add_options(CLI::App&) override {}
  const char* model_note() const override { return "; a task can have its own model"; }
  void read() override {}
  eval::Result evaluate(eval::Encoder*) override { return {}; }
};

Run add_all(CLI::App& parent) {
  struct Command {
    NoTask common;
    EvalOutputs outputs;
    std::filesystem::path suite;
  };
  const auto command = std::make_shared<Command>();
  CLI::App* app = parent.add_subcommand("all", "run all tasks of a suite and write one report")->footer(kAllFooter);
  add_table(*app, {{"--suite", path(command->suite, "FILE").required(), "the file that lists the tasks"}});
  add_task_options(*app, command->common);
  add_output_options(*app, command->outputs);
  app->callback([command] { command->outputs.check_usage(); });
  return [command, app] {
    command->outputs.check_places();
    const auto tasks = read_suite(command->suite, *app, kKinds);
    return interruptible([&](EvalRunner& runner) {
      SuiteReport report(command->outputs, command->suite, tasks.size());
      for (std::size_t i = 0; i < tasks.size(); ++i) {
        log_info("evaluation {} of {}", i + 1, tasks.size());
        report.add(runner.run(*tasks[i]));
      }
    });
  };
}

}  // namespace

Run add_eval(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "eval",
      "evaluate a model on the data sets of E5-V's paper, on other data sets, or on your own data\n"
      "\n"
      "Computed vectors are stored in a folder (e5v eval TASK --store). If an evaluation is repeated, or "
      "continued after an interruption, only vectors that are not in this folder are computed. A vector "
      "is reused only if model, preprocessing, prompt and arithmetic are the same, which its fingerprint tells "
      "(docs/evaluation.md). e5v does not download data sets. The help page of each task says where to find the data "
      "and which files the folder must contain.");
  command->require_subcommand(1);
  command->footer("e5v eval TASK --help lists the options of a task.");
  const auto runs = std::make_shared<std::vector<std::pair<CLI::App*, Run>>>();
  const auto add = [&](Run run) {
    runs->emplace_back(command->get_subcommands([](const CLI::App*) { return true; }).back(), std::move(run));
  };
  for (const EvalKind* kind : kKinds) add(add_task(*command, *kind));
  add(add_all(*command));
  return [runs] {
    for (const auto& [task, run] : *runs)
      if (task->parsed()) return run();
    return static_cast<int>(kUsage);
  };
}

}  // namespace e5v::app
