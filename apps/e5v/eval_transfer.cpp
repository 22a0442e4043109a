#include "eval/transfer.h"
#include "eval_task.h"

namespace e5v::app {
namespace {

class TransferEval : public EvalTask {
 public:
  void add_options(CLI::App& command) override {
    add_table(command, {{"--data", path(data_, "DIR").required(), "the folder SentEval/data/downstream"},
                        {"--tasks", names(tasks_, "NAMES", eval::transfer_tasks()), "the tasks, separated by commas"},
                        {"--prompt", prompt_of(options_.prompt, PromptFor::texts),
                         "the prompt of the sentences, by name or as a template with <sent>"},
                        {"--folds", whole(options_.folds, 2), "the number of folds of each cross-validation"}});
  }
  void read() override {
    check_prompt(options_.prompt);
    for (const std::string& task : tasks_) sets_.push_back(eval::read_transfer(data_, task));
  }
  eval::Result evaluate(eval::Encoder* encoder) override {
    eval::Result result = eval::evaluate_transfer(*encoder, sets_, options_);
    result.facts.insert(result.facts.begin(), {"data", data_.string()});
    return result;
  }

 private:
  std::filesystem::path data_;
  std::vector<std::string> tasks_ = eval::transfer_tasks();
  eval::TransferOptions options_;
  std::vector<eval::TransferTask> sets_;
};

}  // namespace

const EvalKind kTransferEval{
    "transfer", "classification of sentences with a linear classifier: MR, CR, SUBJ, MPQA, SST2, TREC, MRPC",
    "The folder must contain MR, CR, SUBJ and MPQA (with one file per class), SST/binary, TREC and MRPC. "
    "SentEval's script get_transfer_data.bash (github.com/facebookresearch/SentEval) downloads these "
    "files.\n"
    "\n"
    "The classifier is a logistic regression on the vectors. For a pair with the vectors u and v, its "
    "features are |u - v| and u * v. Cross-validation chooses the penalty (for SST2, the dev set does), "
    "with SentEval's grids and folds (usepytorch=False, kfold=10). For each of MR, CR, SUBJ and MPQA, 610 classifiers "
    "are fitted, "
    "or 155 with --folds 5.\n"
    "\n"
    "Example:\n"
    "  e5v eval transfer --model e5-v --data SentEval/data/downstream --tasks MR,SST2",
    []() -> std::unique_ptr<EvalTask> { return std::make_unique<TransferEval>(); }};

}  // namespace e5v::app
