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

/// One evaluation: a subcommand of e5v eval, and what may stand in a suite.
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
  /// Reads the data, and looks at everything else that is given. Throws InvalidInput for the first thing that is
  /// missing or wrong, before anything is computed.
  virtual void read() = 0;
  /// `encoder` is null when no model is needed.
  virtual eval::Result evaluate(eval::Encoder* encoder) = 0;

  ModelOptions model;
  std::filesystem::path store;  ///< of vectors; empty: the default one

 protected:
  /// Throws InvalidInput when the model has no such prompt, by what its folder says: CLIP reads no words beside a
  /// picture.
  void check_prompt(const std::string& prompt) const;
};

/// task.read() by the threads of its options.
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

/// The task's options and those that all tasks have: of the model, of images, and --store.
void add_task_options(CLI::App& command, EvalTask& task);

/// --NAME with some of these names, by commas, each once.
void add_names_option(CLI::App& command, const char* name, std::vector<std::string>& chosen,
                      const std::vector<std::string>& names);

/// --skip-missing, of tasks with pictures.
void add_skip_missing(CLI::App& command, bool& skip);
inline eval::PictureFiles pictures_of(bool skip_missing) {
  return eval::PictureFiles(skip_missing ? eval::PictureNeed::existing : eval::PictureNeed::all);
}

/// What a prompt is for; it has a slot for each part of these and no other.
enum class PromptFor { texts, pictures, changed_pictures };

/// --NAME with a prompt: `what` says of which inputs, and names the default.
void add_prompt_option(CLI::App& command, const char* name, std::string& prompt, PromptFor inputs, const char* what);

/// Where results go.
struct EvalOutputs {
  std::filesystem::path json, html;

  /// Throws CLI::ParseError when both are one file.
  void check_usage() const;
  /// Throws InvalidInput when a file cannot stand there: said before hours of computing, not after.
  void check_places() const;
};
void add_output_options(CLI::App& command, EvalOutputs& outputs);

/// Throws InvalidInput when the file is a folder, its folder does not exist, or it exists and holds something else than
/// a result of an earlier evaluation.
void check_writable_place(const std::filesystem::path& file);

/// --data, --split and --images of tasks that are folders.
struct FolderOptions {
  std::filesystem::path data, images;
  std::string split = "val";
};
void add_folder_options(CLI::App& command, FolderOptions& options, const char* what);

}  // namespace e5v::app
