#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "eval/composed.h"
#include "eval_task.h"

namespace e5v::app {
namespace {

namespace fs = std::filesystem;

class FashioniqTask : public EvalTask {
 public:
  void add_options(CLI::App& command) override {
    add_folder_options(command, folder_, {"the folder of FashionIQ", "the folder images in --data", "train or val"});
    add_table(command, {{"--categories", names(categories_, "NAMES", eval::fashioniq_categories()),
                         "the categories, separated by commas"}});
    add_skip_missing(command, skip_missing_);
  }
  void read() override {
    for (const std::string& category : categories_) check_prompt("fashioniq-query-" + category);
    images_ = image_files(skip_missing_);
    sets_ = eval::read_fashioniq(folder_.data, folder_.images, categories_, folder_.split, images_);
  }
  eval::Result evaluate(eval::Encoder* encoder) override {
    eval::Result result = eval::evaluate_fashioniq(*encoder, sets_);
    std::size_t left_out = 0, queries = 0;
    for (const auto& [category, set] : sets_) left_out += set.left_out, queries += set.queries.size() + set.left_out;
    eval::add_left_out(result, images_, left_out, queries, "queries");
    return result;
  }

 private:
  FolderOptions folder_;
  bool skip_missing_ = false;
  eval::ImageFiles images_;
  std::vector<std::string> categories_ = eval::fashioniq_categories();
  std::vector<std::pair<std::string, eval::ComposedSet>> sets_;
};

/// The name of the file for the subset: "submission_subset.json" next to "submission.json".
fs::path subset_file(fs::path file) {
  return file.replace_filename(file.stem().string() + "_subset" + file.extension().string());
}

void write_submission(const eval::CirrSubmission& submission, const fs::path& file) {
  write_file_atomically(file, submission.recall.dump() + "\n");
  const fs::path subset = subset_file(file);
  write_file_atomically(subset, submission.recall_subset.dump() + "\n");
  fmt::print(stderr, "e5v: {} and {} can be sent to CIRR's evaluation server\n", file.string(), subset.string());
}

class CirrTask : public EvalTask {
 public:
  void add_options(CLI::App& command) override {
    add_folder_options(command, folder_,
                       {"the folder of CIRR", "the folder of --data, which contains dev and test1",
                        "val, or test1 with --submission"});
    add_skip_missing(command, skip_missing_);
    add_table(command,
              {{"--submission", path(submission_, "FILE"),
                "the file of rankings to write for the authors' evaluation server; a second file, with _subset in its "
                "name, gets the rankings of the subsets; no scores are computed"}});
    // The server expects an answer to every query.
    command.get_option("--submission")->excludes(command.get_option("--skip-missing"));
  }
  void read() override {
    check_prompt("cirr-query");
    if (!submission_.empty()) {
      for (const fs::path& file : {submission_, subset_file(submission_)}) check_writable_place(file);
    }
    images_ = image_files(skip_missing_);
    set_ = eval::read_cirr(folder_.data, folder_.images, folder_.split, images_);
    require(set_.queries.front().target.has_value() || !submission_.empty(),
            "[{}] the targets of {} are not published; --submission FILE writes rankings for the authors' server",
            folder_.data.string(), folder_.split);
  }
  eval::Result evaluate(eval::Encoder* encoder) override {
    if (submission_.empty()) {
      eval::Result result = eval::evaluate_cirr(*encoder, set_);
      eval::add_left_out(result, images_, set_.left_out, set_.queries.size() + set_.left_out, "queries");
      return result;
    }
    write_submission(eval::submit_cirr(*encoder, set_), submission_);
    eval::Result result{.task = "cirr", .title = "CIRR, " + folder_.split, .unit = "rankings for the server"};
    result.facts = {{"queries", fmt::format("{}", set_.queries.size())}, {"submission", submission_.string()}};
    return result;
  }

 private:
  FolderOptions folder_;
  bool skip_missing_ = false;
  eval::ImageFiles images_;
  fs::path submission_;
  eval::ComposedSet set_;
};

}  // namespace

const EvalKind kFashioniqEval{
    "fashioniq", "composed retrieval: the query is a photo of a garment and two captions that modify it",
    "The folder has the layout of github.com/XiaoxiaoGuo/fashion-iq: captions/cap.dress.val.json, "
    "image_splits/split.dress.val.json, ..., and the images as images/ID.jpg. The repository does not "
    "contain the images; github.com/hongwang600/fashion-iq-metadata lists their addresses.\n"
    "\n"
    "Example:\n"
    "  e5v eval fashioniq --model e5-v --data fashion-iq",
    []() -> std::unique_ptr<EvalTask> { return std::make_unique<FashioniqTask>(); }};

const EvalKind kCirrEval{
    "cirr", "composed retrieval: the query is a photo and a caption that modifies it",
    "The folder has the layout of github.com/Cuberick-Orion/CIRR (branch cirr_dataset): "
    "captions/cap.rc2.val.json, image_splits/split.rc2.val.json, and the images of NLVR2 in dev/ and "
    "test1/.\n"
    "\n"
    "The targets of test1 are not published; only the authors' server has them. --split test1 "
    "--submission cirr.json writes two files in the format of this server: cirr.json with the first 50 of all "
    "candidates of each query, and cirr_subset.json with the first 3 of its subset.\n"
    "\n"
    "Examples:\n"
    "  e5v eval cirr --model e5-v --data CIRR\n"
    "  e5v eval cirr --model e5-v --data CIRR --split test1 --submission cirr.json",
    []() -> std::unique_ptr<EvalTask> { return std::make_unique<CirrTask>(); }};

}  // namespace e5v::app
