#pragma once
#include <filesystem>
#include <optional>
#include <vector>

#include "base/hash.h"
#include "base/output_file.h"
#include "runs/run_identity.h"
#include "vectors/vector_file.h"

/// What makes a run resumable: a log of its batches beside the output.
namespace e5v::runs {

/// A point at which a run can go on: everything up to it is in the files, and a batch ends there.
struct Commit {
  RunPosition position;
  vectors::VectorFileSize size;
  Hash128 written;  ///< VectorFile::flush() of what came since the commit before
};

/// The log that makes a run resumable, OUTPUT.partial.journal: one JSON line for the run's identity, one for each
/// batch, and one when the output is complete. A line counts when it is whole and its rows are what it says they are,
/// so that neither a kill nor a power failure at any moment harms what came before.
class Journal {
 public:
  /// What the journal of an earlier run says.
  struct Record {
    RunIdentity identity;
    std::vector<Commit> commits;
    bool complete = false;
    std::vector<std::int64_t> ends;  ///< bytes of the journal up to the identity and up to each commit, these included
  };

  static std::filesystem::path path_of(const std::filesystem::path& output) {
    return output.string() + ".partial.journal";
  }

  /// Opens or creates the journal of an output and keeps other processes out while the object lives. Throws
  /// InvalidInput when another one is writing the same output.
  explicit Journal(const std::filesystem::path& output);

  /// Lines up to the first that is torn; nothing when there is not even an identity. Throws InvalidInput for a file
  /// that is no journal, or one of another version.
  std::optional<Record> read() const;

  /// Forgets everything and begins with this identity.
  void begin(const RunIdentity& identity);
  /// Forgets what follows the first commits of a record.
  void rewind(const Record& record, std::size_t commits) { file_.truncate(record.ends.at(commits)); }

  void add(const Commit& commit);
  /// Notes that the output is complete, so that only names have to change.
  void complete();
  void sync() const { file_.sync(); }
  /// Removes the file.
  void remove();

 private:
  void append(const Json& line);
  OutputFile file_;
};

}  // namespace e5v::runs
