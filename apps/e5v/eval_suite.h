#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "eval_task.h"

namespace e5v::app {

/// A file that lists evaluations:
///   {"model": DIR, "tasks": [{"task": "sts", "data": DIR}, {"task": "retrieval", "captions": FILE, ...}]}
/// A task's keys are the options of its command without dashes: text, number, true or false, or a list. Keys beside
/// "tasks" hold for all tasks that have them, unless the command line or the task itself says otherwise. Relative paths
/// begin at the file's folder.
/// `given` is the parsed command line. The data of all tasks are read. Throws InvalidInput that names all problems.
std::vector<std::unique_ptr<EvalTask>> read_suite(const std::filesystem::path& file, const CLI::App& given,
                                                  std::span<const EvalKind* const> kinds);

}  // namespace e5v::app
