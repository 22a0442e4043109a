#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace e5v::eval {

/// Sentences or pairs of sentences, with their classes. The words of a sentence are separated by one blank.
struct LabelledTexts {
  std::vector<std::string> first, second;  ///< second is empty for single sentences
  std::vector<int> labels;

  std::size_t size() const { return labels.size(); }
};

/// A classification task. A task without a test set is cross-validated.
struct TransferTask {
  std::string name;
  int classes = 2;
  LabelledTexts train, dev, test;  ///< dev and test may be empty
};

/// MR, CR, SUBJ, MPQA, SST2, TREC, MRPC.
const std::vector<std::string>& transfer_tasks();

/// Reads a task from SentEval's folder data/downstream. The items have SentEval's order, by words and then by class,
/// which decides the folds. MR, CR, SUBJ, MPQA and TREC are Latin-1; the others are UTF-8. Throws InvalidInput, which
/// names the first missing file or the wrong line. Source: SentEval, binary.py, sst.py, trec.py, mrpc.py.
TransferTask read_transfer(const std::filesystem::path& folder, const std::string& task);

}  // namespace e5v::eval
