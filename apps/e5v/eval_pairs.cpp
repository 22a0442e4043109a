#include <algorithm>

#include "eval/pairs.h"
#include "eval_task.h"

namespace e5v::app {
namespace {

class PairsTask : public EvalTask {
 public:
  void add_options(CLI::App& command) override {
    add_table(command,
              {
                  {"--pairs", path(file_, "FILE").required(), "the file of pairs: .csv, .tsv or .jsonl"},
                  {"--name", text(options_.name, "NAME"), "the name of the data in the report", "the name of the file"},
                  {"--text-prompt", prompt_of(options_.text_prompt, PromptFor::texts),
                   "the prompt of texts, by name or as a template with <sent>"},
                  {"--image-prompt", prompt_of(options_.image_prompt, PromptFor::images),
                   "the prompt of images, by name or as a template with <image>"},
                  {"--composed-prompt", prompt_of(options_.composed_prompt, PromptFor::composed),
                   "the prompt of composed queries, by name or as a template with <sent> and <image>"},
              });
    add_skip_missing(command, skip_missing_);
  }
  void read() override {
    for (const std::string* prompt : {&options_.text_prompt, &options_.image_prompt}) check_prompt(*prompt);
    images_ = image_files(skip_missing_);
    eval::OwnPairs read = eval::read_pair_file(file_, images_);
    pairs_ = std::move(read.pairs), left_out_ = read.left_out;
    const auto composed = [](const eval::Shown& half) { return !half.text.empty() && !half.image.empty(); };
    if (std::ranges::any_of(pairs_, composed, &eval::OwnPair::first) ||
        std::ranges::any_of(pairs_, composed, &eval::OwnPair::second))
      check_prompt(options_.composed_prompt);
    if (options_.name.empty()) options_.name = file_.stem().string();
  }
  eval::Result evaluate(eval::Encoder* encoder) override {
    eval::Result result = eval::evaluate_pairs(*encoder, pairs_, options_);
    result.facts.insert(result.facts.begin(), {"data", file_.string()});
    eval::add_left_out(result, images_, left_out_, pairs_.size() + left_out_, "pairs");
    return result;
  }

 private:
  std::filesystem::path file_;
  eval::PairOptions options_;
  bool skip_missing_ = false;
  eval::ImageFiles images_;
  std::vector<eval::OwnPair> pairs_;
  std::size_t left_out_ = 0;
};

}  // namespace

const EvalKind kPairsEval{
    "pairs", "your own pairs of texts or images: correlation with scores, or retrieval",
    "A .csv or .tsv file begins with a line of column names; a .jsonl file has these names as keys. "
    "sent0 and image0 are the first half of a pair, sent1 and image1 the second half. sent0 and sent1 "
    "are texts. image0 and image1 are paths of images, relative to the folder of the file. A half with a "
    "text and an image is a composed query: an image and a text that modifies it.\n"
    "\n"
    "If there is a column score, the result is the correlation of cosines and scores (Spearman and "
    "Pearson). Otherwise, each half is a query for its partner among all halves of the other side, and "
    "the result is the recall at 1, 5 and 10.\n"
    "\n"
    "Examples:\n"
    "  e5v eval pairs --model e5-v --pairs judged.csv --text-prompt sts\n"
    "  e5v eval pairs --model e5-v --pairs products.jsonl --html products.html",
    []() -> std::unique_ptr<EvalTask> { return std::make_unique<PairsTask>(); }};

}  // namespace e5v::app
