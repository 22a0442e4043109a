#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace e5v::eval {

/// Sentences, or pairs of them, with their classes; a sentence's words are separated by one blank.
struct LabelledTexts {
  std::vector<std::string> first, second;  ///< second: of pairs, else empty
  std::vector<int> labels;

  std::size_t size() const { return labels.size(); }
};

/// A classification task. Without a test set it is cross-validated.
struct TransferTask {
  std::string name;
  int classes = 2;
  LabelledTexts train, dev, test;  ///< dev and test may be empty
};

/// MR, CR, SUBJ, MPQA, SST2, TREC, MRPC.
const std::vector<std::string>& transfer_tasks();

/// A task as SentEval's folder data/downstream has it, its items in SentEval's order: by words, then by class, which
/// decides what falls into a fold. MR, CR, SUBJ, MPQA and TREC are Latin-1, the others UTF-8. Throws InvalidInput
/// naming the first file that is missing or the line that is wrong. Source: SentEval, binary.py, sst.py, trec.py,
/// mrpc.py.
TransferTask read_transfer(const std::filesystem::path& folder, const std::string& task);

}  // namespace e5v::eval
