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
                  {"--name", text(options_.name, "NAME"), "the name of the data in the report", "the file's name"},
                  {"--text-prompt", prompt_of(options_.text_prompt, PromptFor::texts),
                   "the prompt of texts: a name, or a template with <sent>"},
                  {"--image-prompt", prompt_of(options_.image_prompt, PromptFor::images),
                   "the prompt of images: a name, or a template with <image>"},
                  {"--composed-prompt", prompt_of(options_.composed_prompt, PromptFor::composed),
                   "the prompt of composed queries: a name, or a template with <sent> and <image>"},
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
    "pairs", "pairs of your own, of texts and images: correlation with scores, or retrieval",
    "A .csv or .tsv file begins with a line of column names; a .jsonl file has these names as keys. sent0 and sent1 "
    "are "
    "texts. image0 and image1 are paths of images, relative to the file. A half with a text and an image is a composed "
    "query: the image as the text changes it. With a column score, the result is the correlation of cosines and scores "
    "(Spearman, Pearson). Without it, each half is a query for its partner among all halves (recall at 1, 5 and 10).\n"
    "\n"
    "Examples:\n"
    "  e5v eval pairs --model e5-v --pairs judged.csv --text-prompt sts\n"
    "  e5v eval pairs --model e5-v --pairs products.jsonl --html products.html",
    []() -> std::unique_ptr<EvalTask> { return std::make_unique<PairsTask>(); }};

}  // namespace e5v::app
