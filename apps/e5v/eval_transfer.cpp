#include "eval/transfer.h"
#include "eval_task.h"

namespace e5v::app {
namespace {

class TransferEval : public EvalTask {
 public:
  void add_options(CLI::App& command) override {
    command.add_option("--data", data_, "SentEval's folder of data")->option_text("DIR")->required();
    add_names_option(command, "--tasks", tasks_, eval::transfer_tasks());
    add_prompt_option(command, "--prompt", options_.prompt, PromptFor::texts,
                      "the sentences: a name, or a template with <sent> (sts)");
    add_number(command, "--folds", options_.folds, 2, "folds of cross-validations (10)");
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
    "transfer", "classification of sentences by a linear classifier: MR, CR, SUBJ, MPQA, SST2, TREC, MRPC",
    "The folder is SentEval's data/downstream: MR, CR, SUBJ and MPQA with a file for each class, SST/binary, TREC, "
    "MRPC. Its script get_transfer_data.bash (github.com/facebookresearch/SentEval) fetches them.\n"
    "\n"
    "Logistic regression over the vectors as the model gives them (of a pair u, v over |u - v| and u * v), its penalty "
    "chosen by SentEval's grids and cross-validations, folds included (usepytorch=False, kfold=10). MR, CR, SUBJ and "
    "MPQA fit 610 classifiers each; with --folds 5, 155.\n"
    "\n"
    "Example:\n"
    "  e5v eval transfer --model e5-v --data SentEval/data/downstream --tasks MR,SST2",
    []() -> std::unique_ptr<EvalTask> { return std::make_unique<TransferEval>(); }};

}  // namespace e5v::app
