#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "eval/encoder.h"
#include "eval/result.h"

namespace e5v::eval {

/// Pairs of sentences with the similarity that people gave them.
struct StsSet {
  std::string name;
  std::vector<std::string> first, second;
  std::vector<double> gold;
};

/// The seven tasks, in the order of the paper: STS12, ..., STS16, STSB, SICKR.
const std::vector<std::string>& sts_tasks();

/// The sets of a task as SentEval's data folder has them: of STS12 to STS16 one for each source, of STSB and SICKR the
/// test set alone. Pairs without a score are passed over, as SentEval does; blanks between words count as one. `folder`
/// holds STS/ and SICK/. Throws InvalidInput naming the first file that is missing or the line that is wrong.
std::vector<StsSet> read_sts(const std::filesystem::path& folder, const std::string& task);

/// The sets of several tasks.
std::vector<std::vector<StsSet>> read_sts(const std::filesystem::path& folder, const std::vector<std::string>& tasks);

/// Spearman's correlation x 100 of cosines with people's scores: of all pairs of a task together, as E5-V's eval_sts.py
/// takes it from SentEval; and the mean of the tasks. `sets` are those of each task.
Result evaluate_sts(Encoder& encoder, const std::vector<std::string>& tasks,
                    const std::vector<std::vector<StsSet>>& sets, const std::string& prompt);

}  // namespace e5v::eval
