#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "eval/encoder.h"
#include "eval/result.h"

namespace e5v::eval {

/// Pairs of sentences and the similarity that people gave them.
struct StsSet {
  std::string name;
  std::vector<std::string> first, second;
  std::vector<double> gold;
};

/// The seven tasks, in the order of the paper: STS12, ..., STS16, STSB, SICKR.
const std::vector<std::string>& sts_tasks();

/// Reads the sets of a task from SentEval's data folder, which holds STS/ and SICK/. STS12 to STS16 have a set for each
/// source; STSB and SICKR have the test set alone. Pairs without a score are skipped, as in SentEval, and several
/// blanks count as one. Throws InvalidInput, which names the first missing file or the wrong line.
std::vector<StsSet> read_sts(const std::filesystem::path& folder, const std::string& task);

/// The sets of several tasks.
std::vector<std::vector<StsSet>> read_sts(const std::filesystem::path& folder, const std::vector<std::string>& tasks);

/// Spearman's correlation x 100 of cosines and people's scores, over all pairs of a task together (as E5-V's
/// eval_sts.py takes it from SentEval), and the mean over the tasks. `sets` has the sets of each task.
Result evaluate_sts(Encoder& encoder, const std::vector<std::string>& tasks,
                    const std::vector<std::vector<StsSet>>& sets, const std::string& prompt);

}  // namespace e5v::eval
