#include <algorithm>

#include "eval/pairs.h"
#include "eval_task.h"

namespace e5v::app {
namespace {

class PairsTask : public EvalTask {
 public:
  void add_options(CLI::App& command) override {
    command.add_option("--pairs", file_, "file of pairs: .csv, .tsv or .jsonl")->option_text("FILE")->required();
    command.add_option("--name", options_.name, "of the data, for the report")->option_text("NAME");
    add_prompt_option(command, "--text-prompt", options_.text_prompt, PromptFor::texts,
                      "texts: a name, or a template with <sent> (text)");
    add_prompt_option(command, "--image-prompt", options_.image_prompt, PromptFor::pictures,
                      "pictures: a name, or a template with <image> (image)");
    add_prompt_option(command, "--composed-prompt", options_.composed_prompt, PromptFor::changed_pictures,
                      "pictures with a text: a name, or a template with both (cirr-query)");
    add_skip_missing(command, skip_missing_);
  }
  void read() override {
    for (const std::string* prompt : {&options_.text_prompt, &options_.image_prompt}) check_prompt(*prompt);
    pictures_ = pictures_of(skip_missing_);
    eval::OwnPairs read = eval::read_pair_file(file_, pictures_);
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
    eval::add_left_out(result, pictures_, left_out_, pairs_.size() + left_out_, "pairs");
    return result;
  }

 private:
  std::filesystem::path file_;
  eval::PairOptions options_;
  bool skip_missing_ = false;
  eval::PictureFiles pictures_;
  std::vector<eval::OwnPair> pairs_;
  std::size_t left_out_ = 0;
};

}  // namespace

const EvalKind kPairsEval{
    "pairs", "own pairs of texts and pictures: correlation with scores, or who finds whom",
    "A .csv or .tsv file begins with column names, a .jsonl file has them as keys: sent0 and sent1 are texts, image0 "
    "and image1 paths of pictures, relative to the file. A half with both is a picture changed by a text. With a "
    "column "
    "score, cosines are correlated with it (Spearman, Pearson). Without, each half looks for its partner among all "
    "(recall at 1, 5 and 10).\n"
    "\n"
    "Examples:\n"
    "  e5v eval pairs --model e5-v --pairs judged.csv --text-prompt sts\n"
    "  e5v eval pairs --model e5-v --pairs products.jsonl --html products.html",
    []() -> std::unique_ptr<EvalTask> { return std::make_unique<PairsTask>(); }};

}  // namespace e5v::app
