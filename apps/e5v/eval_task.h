#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "eval/encoder.h"
#include "eval/picture_files.h"
#include "eval/result.h"
#include "options.h"

namespace e5v::app {

/// One evaluation: a subcommand of e5v eval, or an entry of a suite.
class EvalTask {
 public:
  virtual ~EvalTask() = default;

  /// The task's own options.
  virtual void add_options(CLI::App& command) = 0;
  /// False when the options name vectors instead of a model.
  virtual bool needs_model() const { return true; }
  /// Throws CLI::ParseError when options are missing or exclude each other.
  virtual void check_usage() const {
    if (model.folder.empty()) throw CLI::RequiredError("--model");
  }
  /// Reads the data and checks all other options. Throws InvalidInput for the first fault, before anything is computed.
  virtual void read() = 0;
  /// `encoder` is null when no model is needed.
  virtual eval::Result evaluate(eval::Encoder* encoder) = 0;

  ModelOptions model;
  std::filesystem::path store;  ///< the folder of known vectors; empty: the default one

 protected:
  /// Throws InvalidInput when the model, as its folder tells, has no such prompt: CLIP takes no words together with an
  /// image.
  void check_prompt(const std::string& prompt) const;
};

/// Calls task.read() with the number of threads of its options.
void read_data(EvalTask& task);

/// A kind of task as the command line and suites name it.
struct EvalKind {
  const char* name;
  const char* description;
  const char* footer;
  std::unique_ptr<EvalTask> (*make)();
};

/// The kinds, one file each.
extern const EvalKind kStsEval, kRetrievalEval, kGapEval, kFashioniqEval, kCirrEval, kPairsEval, kTransferEval;

/// The task's options and those that all tasks have: of the model, of inputs, and --store.
void add_task_options(CLI::App& command, EvalTask& task);

/// --skip-missing, of tasks with images.
void add_skip_missing(CLI::App& command, bool& skip);
inline eval::PictureFiles image_files(bool skip_missing) {
  return eval::PictureFiles(skip_missing ? eval::PictureNeed::existing : eval::PictureNeed::all);
}

/// The inputs that a prompt is for. It must have a slot for each of their parts, and no other slot.
enum class PromptFor { texts, images, composed };

/// A prompt for such inputs: a name, or a template with their slots.
OptionField prompt_of(std::string& prompt, PromptFor inputs);

/// Where results go.
struct EvalOutputs {
  std::filesystem::path json, html;

  /// Throws CLI::ParseError when both are one file.
  void check_usage() const;
  /// Throws InvalidInput when a file cannot be written there, before hours of computing rather than after.
  void check_places() const;
};
void add_output_options(CLI::App& command, EvalOutputs& outputs);

/// Throws InvalidInput when the file is a folder, when its folder does not exist, or when it exists and is no result of
/// an earlier evaluation.
void check_writable_place(const std::filesystem::path& file);

/// --data, --images and --split of tasks whose data are a folder.
struct FolderOptions {
  std::filesystem::path data, images;
  std::string split = "val";
};
void add_folder_options(CLI::App& command, FolderOptions& options, const char* what);

}  // namespace e5v::app
