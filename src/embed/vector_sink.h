#pragma once
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "embed/journal.h"

namespace e5v::embed {

/// Where a run has got to.
struct RunPosition {
  std::int64_t items = 0;  ///< taken from the source, bad ones included
  std::int64_t bad = 0;
  Hash128 source;  ///< ItemSource::digest() behind them
};

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

/// JSONL to a stream, a batch at a time. Throws BrokenPipe when nobody reads it any more.
class StreamSink : public VectorSink {
 public:
  explicit StreamSink(std::FILE* stream) : stream_(stream) {}
  void add(const Json& id, std::span<const float> vector) override { append_json_row(id, vector, rows_); }
  void commit(const RunPosition&) override;
  void finish() override {}

 private:
  std::FILE* stream_;
  std::string rows_;
};

/// The reader of standard output has gone: `e5v embed ... | head`.
class BrokenPipe : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// Writes all of it and flushes. Throws BrokenPipe, or DeviceError when the system refuses for another reason.
void write_stream(std::FILE* stream, std::string_view text);

/// What is to happen to output that exists already.
enum class Existing { refuse, replace, resume };

/// A file of vectors with a journal, which a later run can go on with.
class FileSink : public VectorSink {
 public:
  /// True when resuming finds the output complete; it then only puts names in order. Throws InvalidInput when output or
  /// an unfinished part of it exists and is to be refused. Call before anything expensive.
  static bool is_complete(const std::filesystem::path& output, VectorFormat format, Existing existing);

  /// Throws InvalidInput when the unfinished part belongs to a run of another identity.
  FileSink(std::filesystem::path output, VectorLayout layout, const RunIdentity& identity, Existing existing);

  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;
  /// Keeps the unfinished part for a later run, unless nothing of it has been committed.
  ~FileSink() override;

  /// Where to go on; at the beginning unless there was something to resume.
  const RunPosition& position() const { return position_; }

  void add(const Json& id, std::span<const float> vector) override { file_->add(id, vector); }
  void commit(const RunPosition& position) override;
  void finish() override;

 private:
  void discard();
  void resume(const Journal::Record& record, const RunIdentity& identity);

  std::filesystem::path output_;
  VectorLayout layout_;
  Journal journal_;
  std::optional<VectorFile> file_;
  RunPosition position_;
  std::chrono::steady_clock::time_point synced_{};
};

}  // namespace e5v::embed
