#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "eval_task.h"

namespace e5v::app {

/// A file that lists evaluations:
///   {"model": DIR, "tasks": [{"task": "sts", "data": DIR}, {"task": "retrieval", "captions": FILE, ...}]}
/// The keys of a task are the options of its command without the two dashes; a value is a text, a number, true, false,
/// or a list. Keys outside of "tasks" hold for all tasks that have such an option, unless the command line or the task
/// itself overrides them. Relative paths begin at the file's folder. `given` is the parsed command line. The data of
/// all tasks are read. Throws an InvalidInput that names all faults.
std::vector<std::unique_ptr<EvalTask>> read_suite(const std::filesystem::path& file, const CLI::App& given,
                                                  std::span<const EvalKind* const> kinds);

}  // namespace e5v::app
