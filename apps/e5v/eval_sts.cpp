#include "eval/sts.h"
#include "eval_task.h"

namespace e5v::app {
namespace {

class StsTask : public EvalTask {
 public:
  void add_options(CLI::App& command) override {
    add_table(command, {{"--data", path(data_, "DIR").required(), "the folder SentEval/data/downstream"},
                        {"--tasks", names(tasks_, "NAMES", eval::sts_tasks()), "the tasks, separated by commas"},
                        {"--prompt", prompt_of(prompt_, PromptFor::texts),
                         "the prompt of the sentences, by name or as a template with <sent>"}});
  }
  void read() override {
    check_prompt(prompt_);
    sets_ = eval::read_sts(data_, tasks_);
  }
  eval::Result evaluate(eval::Encoder* encoder) override {
    eval::Result result = eval::evaluate_sts(*encoder, tasks_, sets_, prompt_);
    result.facts.insert(result.facts.begin(), {"data", data_.string()});
    return result;
  }

 private:
  std::filesystem::path data_;
  std::vector<std::string> tasks_ = eval::sts_tasks();
  std::string prompt_ = "sts";
  std::vector<std::vector<eval::StsSet>> sets_;
};

}  // namespace

const EvalKind kStsEval{
    "sts", "semantic textual similarity: STS12 to STS16, STS-B, SICK-R",
    "The folder must contain STS/STS12-en-test to STS/STS16-en-test, STS/STSBenchmark/sts-test.csv and "
    "SICK/SICK_test_annotated.txt. SentEval's script get_transfer_data.bash "
    "(github.com/facebookresearch/SentEval) downloads these files.\n"
    "\n"
    "The score is Spearman's correlation (x 100) of the cosines with human similarity scores.\n"
    "\n"
    "Example:\n"
    "  e5v eval sts --model e5-v --data SentEval/data/downstream --html sts.html",
    []() -> std::unique_ptr<EvalTask> { return std::make_unique<StsTask>(); }};

}  // namespace e5v::app
