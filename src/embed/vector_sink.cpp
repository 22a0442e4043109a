#include "embed/vector_sink.h"

#include <cerrno>
#include <utility>

namespace e5v::embed {
namespace {

namespace fs = std::filesystem;

/// How much work a power failure may cost at most.
constexpr std::chrono::seconds kSyncInterval{5};

void require_same(const fs::path& output, const RunIdentity& before, const RunIdentity& now) {
  for (const auto& [name, value] : now) {
    const auto found = before.find(name);
    const std::string old = found == before.end() ? "" : found->second;
    require(old == value, "[{}] cannot be resumed: {} was {}, now it is {}; --force starts over", output.string(), name,
            in_quotes(old), in_quotes(value));
  }
}

/// How many commits can be trusted. After a power failure a line may be there without its rows.
std::size_t whole_commits(const fs::path& output, const VectorLayout& layout, const Journal::Record& record) {
  const VectorFileCheck files(output, layout.format);
  VectorFileSize from{0, layout.head_size(), 0};
  std::size_t commits = 0;
  for (const Commit& commit : record.commits) {
    if (files.hash(from, commit.size) != commit.written) break;
    from = commit.size;
    ++commits;
  }
  return commits;
}

}  // namespace

void write_stream(std::FILE* stream, std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fflush(stream) == 0;
  if (written) return;
  if (errno == EPIPE) throw BrokenPipe("[stdout] nobody reads it any more");
  fail<DeviceError>("[stdout] cannot be written: {}", system_error_text());
}

void StreamSink::commit(const RunPosition&) {
  write_stream(stream_, rows_);
  rows_.clear();
}

bool FileSink::is_complete(const fs::path& output, VectorFormat format, Existing existing) {
  const fs::path journal = Journal::path_of(output);
  require(!fs::is_directory(output), "[{}] is a folder, expected a file to write", output.string());
  const fs::path folder = output.has_parent_path() ? output.parent_path() : ".";
  require(fs::is_directory(folder), "[{}] no such folder to write to", folder.string());
  if (existing == Existing::refuse) {
    // A journal without a batch keeps nothing that could be lost.
    const bool has_part = fs::exists(journal) && [&] {
      const auto record = Journal(output).read();
      return record && (record->complete || !record->commits.empty());
    }();
    require(!has_part, "[{}] an interrupted run has left a part of it: --resume goes on, --force starts over",
            output.string());
    require(!fs::exists(output), "[{}] exists already: --force replaces it", output.string());
  }
  if (existing != Existing::resume) return false;
  if (!fs::exists(journal)) return fs::exists(output);
  Journal opened(output);
  const auto record = opened.read();
  if (!record || !record->complete) return false;
  VectorFile::publish(output, format);
  opened.remove();
  return true;
}

FileSink::FileSink(fs::path output, VectorLayout layout, const RunIdentity& identity, Existing existing)
    : output_(std::move(output)), layout_(std::move(layout)), journal_(output_) {
  const auto record = existing == Existing::resume ? journal_.read() : std::nullopt;
  if (record) {
    resume(*record, identity);
    return;
  }
  VectorFile::discard(output_);
  journal_.begin(identity);
  file_.emplace(output_, layout_);
}

void FileSink::resume(const Journal::Record& record, const RunIdentity& identity) {
  require_same(output_, record.identity, identity);
  const std::size_t commits = whole_commits(output_, layout_, record);
  journal_.rewind(record, commits);
  if (commits == 0) {
    file_.emplace(output_, layout_);
    return;
  }
  const Commit& last = record.commits[commits - 1];
  file_.emplace(output_, layout_, last.size);
  position_ = {last.items, last.bad, last.source};
}

FileSink::~FileSink() {
  if (position_.items == 0) discard();
}

void FileSink::commit(const RunPosition& position) {
  const Hash128 written = file_->flush();
  journal_.add({position.items, position.bad, position.source, file_->size(), written});
  position_ = position;
  const auto now = std::chrono::steady_clock::now();
  if (now - synced_ < kSyncInterval) return;
  synced_ = now;
  file_->sync();
  journal_.sync();
}

void FileSink::finish() {
  file_->complete();
  journal_.complete();
  VectorFile::publish(output_, layout_.format);
  journal_.remove();
}

void FileSink::discard() {
  VectorFile::discard(output_);
  journal_.remove();
}

}  // namespace e5v::embed
