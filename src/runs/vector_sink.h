#pragma once
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "runs/journal.h"
#include "vectors/jsonl.h"
#include "vectors/vector_origin.h"

/// Where a run puts its vectors: standard output, or a file that a later run can go on with.
namespace e5v::runs {

/// Where vectors go.
class VectorSink {
 public:
  virtual ~VectorSink() = default;
  virtual void add(const Json& id, std::span<const float> vector) = 0;
  /// A batch has ended: what was added since the last one is to stay.
  virtual void commit(const RunPosition& position) = 0;
  /// Everything has been added.
  virtual void finish() = 0;
};

/// JSONL to a stream, a batch at a time. Throws BrokenPipe when its reader has gone.
class StreamSink : public VectorSink {
 public:
  explicit StreamSink(std::FILE* stream) : stream_(stream) {}
  void add(const Json& id, std::span<const float> vector) override { vectors::append_json_row(id, vector, rows_); }
  void commit(const RunPosition&) override;
  void finish() override {}

 private:
  std::FILE* stream_;
  std::string rows_;
};

/// What is to happen to output that exists already.
enum class Existing { refuse, replace, resume };

/// What a run finds where it is to write.
enum class Found {
  room,      ///< nothing that stays
  part,      ///< an unfinished output to go on with
  complete,  ///< a finished output, which tells what made it
  unknown,   ///< a finished output that does not
};

/// Looks at what there is of an output, and puts the names of one in order that had been finished. Throws InvalidInput
/// when output, an unfinished part of it or a file that belongs to it exists and is to be refused. Call before anything
/// expensive.
Found look_for_output(const std::filesystem::path& output, vectors::VectorFormat format, Existing existing);

/// Vectors in a finished output; nothing where its ids are missing.
std::optional<std::int64_t> count_rows(const std::filesystem::path& output, vectors::VectorFormat format);

/// A file of vectors with a journal, which a later run can go on with. A finished output is gone on with as well: it
/// stays as it is until the longer one is whole, and for good when nothing comes.
class FileSink : public VectorSink {
 public:
  /// Throws InvalidInput when what is to be resumed has another origin (require_same_identity).
  FileSink(std::filesystem::path output, vectors::VectorOrigin origin, Existing existing);

  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;
  /// Keeps the unfinished part for a later run, unless nothing of it has been committed.
  ~FileSink() override;

  /// True while a finished output is all there is.
  bool is_complete() const { return !file_; }
  /// Where to go on; at the beginning unless there was something to resume.
  const RunPosition& position() const { return position_; }

  void add(const Json& id, std::span<const float> vector) override;
  void commit(const RunPosition& position) override;
  void finish() override;

 private:
  void discard();
  void resume(const Journal::Record& record);
  void take_complete();
  void reopen();

  std::filesystem::path output_;
  vectors::VectorOrigin origin_;
  vectors::VectorLayout layout_;
  Journal journal_;
  std::optional<vectors::VectorFile> file_;  // none: the output is complete
  RunPosition position_;
  std::chrono::steady_clock::time_point synced_{};
};

}  // namespace e5v::runs
