#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "eval/encoder.h"
#include "eval/image_files.h"
#include "eval/result.h"
#include "options.h"

namespace e5v::app {

/// One evaluation: a subcommand of e5v eval, or an entry of a suite.
class EvalTask {
 public:
  virtual ~EvalTask() = default;

  /// The task's own options.
  virtual void add_options(CLI::App& command) = 0;
  /// The end of the description of --model.
  virtual const char* model_note() const { return " (required)"; }
  /// False when the options name vectors instead of a model.
  virtual bool needs_model() const { return true; }
  /// Throws CLI::ParseError when options are missing or exclude each other.
  virtual void check_usage() const {
    if (model.folder.empty()) throw CLI::RequiredError("--model");
  }
  /// Reads the data and checks all other options. Throws InvalidInput for the first fault. Nothing is computed here.
  virtual void read() = 0;
  /// `encoder` is null when no model is needed.
  virtual eval::Result evaluate(eval::Encoder* encoder) = 0;

  ModelOptions model;
  std::filesystem::path store;  ///< the folder of known vectors; empty: the default one

 protected:
  /// Throws InvalidInput when the model's folder shows that it has no such prompt. CLIP, for example, has no composed
  /// queries.
  void check_prompt(const std::string& prompt) const;
};

/// Calls task.read() with the number of threads of its options.
void read_data(EvalTask& task);

/// A kind of task with the name that the command line and suites use.
struct EvalKind {
  const char* name;
  const char* description;
  const char* footer;
  std::unique_ptr<EvalTask> (*make)();
};

/// The kinds of tasks. Each has its own file.
extern const EvalKind kStsEval, kRetrievalEval, kGapEval, kFashioniqEval, kCirrEval, kPairsEval, kTransferEval;

/// Adds the task's options and those that all tasks have: of the model, of inputs, and --store.
void add_task_options(CLI::App& command, EvalTask& task);

/// Adds --skip-missing, for tasks with images.
void add_skip_missing(CLI::App& command, bool& skip);
inline eval::ImageFiles image_files(bool skip_missing) {
  return eval::ImageFiles(skip_missing ? eval::ImageNeed::existing : eval::ImageNeed::all);
}

/// The inputs of a prompt. The prompt must have a slot for each of their parts, and no other slot.
enum class PromptFor { texts, images, composed };

/// A prompt for such inputs: a name, or a template with their slots.
OptionField prompt_of(std::string& prompt, PromptFor inputs);

/// The files for results.
struct EvalOutputs {
  std::filesystem::path json, html;

  /// Throws CLI::ParseError when both are the same file.
  void check_usage() const;
  /// Throws InvalidInput when a file cannot be written. It is called before hours of computing.
  void check_places() const;
};
void add_output_options(CLI::App& command, EvalOutputs& outputs);

/// Throws InvalidInput when the file is a folder, when its folder does not exist, or when it exists and is not the
/// result of an earlier evaluation.
void check_writable_place(const std::filesystem::path& file);

/// --data, --images and --split, for tasks with a data folder.
struct FolderOptions {
  std::filesystem::path data, images;
  std::string split = "val";
};
/// The descriptions of these options that differ between tasks.
struct FolderTexts {
  const char *data, *default_images, *splits;
};
void add_folder_options(CLI::App& command, FolderOptions& options, const FolderTexts& texts);

}  // namespace e5v::app
