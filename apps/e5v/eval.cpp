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

/// Before the table is printed: whoever reads its end may be sure of the files.
void write_files(const EvalOutputs& outputs, const Json& json, std::span<const eval::Result> results) {
  if (!outputs.json.empty())
    write_file_atomically(outputs.json, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  if (!outputs.html.empty()) write_file_atomically(outputs.html, eval::page_of(results));
}

/// What a suite has come to so far, given out after each evaluation, so that neither an error nor a signal later on
/// takes it away.
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
      if (outputs_.json.empty() && outputs_.html.empty()) throw;  // else the files are still wanted
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
    "\"retrieval\", "
    "\"captions\": FILE, \"name\": \"coco\", \"rendered-text\": true}, ...]}. A task's keys are the options of its "
    "command without dashes. Keys beside \"tasks\" hold for all tasks; options of this command replace them, and a "
    "task's own keys come before both. Relative paths begin at the suite's folder. All data are read first: what is "
    "missing is named before anything is computed. What is finished is printed and written at once, and stays when a "
    "later evaluation fails.\n"
    "\n"
    "Example:\n"
    "  e5v eval all --suite suite.json --model e5-v --json all.json --html all.html";

/// Options that hold for all tasks of a suite are those of a task without any of its own.
class NoTask : public EvalTask {
 public:
  void add_options(CLI::App&) override {}
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
  CLI::App* app = parent.add_subcommand("all", "all evaluations of a suite, with one report")->footer(kAllFooter);
  app->add_option("--suite", command->suite, "file that lists the evaluations")->option_text("FILE")->required();
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
      "measure a model: the tables of E5-V's paper, and other data\n"
      "\n"
      "Vectors are kept, where e5v eval TASK --store says: an evaluation that was interrupted or is repeated computes "
      "what is new alone, and a changed prompt, weight or dtype is computed anew. Data sets are not fetched: each "
      "task's --help says where they "
      "are and how the folder must look.");
  command->require_subcommand(1);
  command->footer("e5v eval TASK --help tells more about each.");
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
