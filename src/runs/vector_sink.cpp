#include "runs/vector_sink.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/mmap.h"
#include "base/regular_file.h"
#include "base/standard_output.h"
#include "tensor/safetensors.h"

namespace e5v::runs {
namespace {

namespace fs = std::filesystem;

/// How much work a power failure may cost at most.
constexpr std::chrono::seconds kSyncInterval{5};

/// How many commits can be trusted. After a power failure a line may be there without its rows.
std::size_t whole_commits(const fs::path& output, const vectors::VectorLayout& layout, const Journal::Record& record) {
  const vectors::VectorFileCheck files(output, layout.format);
  vectors::VectorFileSize from{0, layout.head_size(), 0};
  std::size_t commits = 0;
  for (const Commit& commit : record.commits) {
    if (files.hash(from, commit.size) != commit.written) break;
    from = commit.size;
    ++commits;
  }
  return commits;
}

/// What the run would replace must be files.
void require_own_names(const fs::path& output, vectors::VectorFormat format) {
  std::vector<fs::path> names = vectors::VectorFile::companions(output, format);
  names.push_back(output);
  for (const fs::path& name : names) {
    std::error_code code;
    const fs::file_type type = fs::status(name, code).type();
    require(type == fs::file_type::regular || type == fs::file_type::not_found || type == fs::file_type::none,
            "[{}] is {}, expected a file to write", name.string(), kind_text(type));
  }
}

}  // namespace

void StreamSink::commit(const RunPosition&) {
  write_stream(stream_, rows_);
  rows_.clear();
}

Found look_for_output(const fs::path& output, vectors::VectorFormat format, Existing existing) {
  const fs::path folder = output.has_parent_path() ? output.parent_path() : ".";
  require(fs::is_directory(folder), "[{}] no such folder to write to", folder.string());
  require_own_names(output, format);
  if (existing == Existing::replace) return Found::room;
  if (fs::exists(Journal::path_of(output))) {
    Journal journal(output);
    const auto record = journal.read();
    const bool begun = record && (record->complete || !record->commits.empty());
    require(existing == Existing::resume || !begun,
            "[{}] an interrupted run has left a part of it; option resume goes on with it, option force starts "
            "over",
            output.string());
    if (record && existing == Existing::resume) {
      if (!record->complete) return Found::part;
      vectors::VectorFile::publish(output, format);
      journal.remove();
    }
  } else {
    for (const fs::path& part :
         {vectors::VectorFile::partial_path(output), vectors::VectorFile::partial_ids_path(output)})
      require(!fs::exists(part), "[{}] exists, and no log says what it is a part of; option force replaces it",
              part.string());
  }
  if (fs::exists(output)) {
    require(existing == Existing::resume, "[{}] exists already; option force replaces it", output.string());
    return vectors::read_origin(output) ? Found::complete : Found::unknown;
  }
  for (const fs::path& beside : vectors::VectorFile::companions(output, format))
    require(!fs::exists(beside), "[{}] exists already, without {}; option force replaces it", beside.string(),
            output.filename().string());
  return Found::room;
}

std::optional<std::int64_t> count_rows(const fs::path& output, vectors::VectorFormat format) {
  if (format == vectors::VectorFormat::safetensors) {
    const tensor::SafetensorsFile file(output);
    const tensor::TensorView* vectors = file.find("embeddings");
    return vectors == nullptr ? std::nullopt : std::optional(vectors->shape[0]);
  }
  const fs::path lines = format == vectors::VectorFormat::npy ? vectors::VectorFile::ids_path(output) : output;
  if (!fs::exists(lines)) return std::nullopt;
  if (RegularFile(lines).size() == 0) return 0;
  const MappedFile file(lines);
  return std::ranges::count(file.bytes(), std::byte{'\n'});
}

FileSink::FileSink(fs::path output, vectors::VectorOrigin origin, Existing existing)
    : output_(std::move(output)),
      origin_(std::move(origin)),
      layout_{vectors::format_of(output_).value(), origin_.width, origin_.beginning()},
      journal_(output_) {
  const auto record = existing == Existing::resume ? journal_.read() : std::nullopt;
  if (record) {
    resume(*record);
  } else if (existing == Existing::resume && fs::exists(output_)) {
    take_complete();
  } else {
    vectors::VectorFile::discard(output_);
    journal_.begin(identity_of(origin_));
    file_.emplace(output_, layout_);
  }
}

void FileSink::resume(const Journal::Record& record) {
  require_same_identity(output_, record.identity, identity_of(origin_));
  const std::size_t commits = whole_commits(output_, layout_, record);
  journal_.rewind(record, commits);
  if (commits == 0) {
    file_.emplace(output_, layout_);
    return;
  }
  const Commit& last = record.commits[commits - 1];
  file_.emplace(output_, layout_, last.size);
  position_ = last.position;
}

void FileSink::take_complete() try {
  const auto before = vectors::read_origin(output_);
  require(before.has_value(), "[{}] does not tell what made it, so it cannot be resumed; option force starts over",
          output_.string());
  require_same_identity(output_, identity_of(*before), identity_of(origin_));
  origin_ = *before;
  position_ = {before->items, before->left_out, before->source};
} catch (...) {
  journal_.remove();  // which this has made
  throw;
}

/// Makes an interrupted run of a finished one.
void FileSink::reopen() {
  const vectors::VectorFileSize size = vectors::VectorFile::reopen(output_, layout_, origin_.rows);
  const vectors::VectorFileSize beginning{0, layout_.head_size(), 0};
  const auto written = vectors::VectorFileCheck(output_, layout_.format).hash(beginning, size);
  require<DeviceError>(written.has_value(), "[{}] does not keep what is written to it", output_.string());
  journal_.begin(identity_of(origin_));
  journal_.add({position_, size, *written});
  file_.emplace(output_, layout_, size);
}

FileSink::~FileSink() {
  if (!file_) journal_.remove();
  if (position_.items == 0) discard();
}

void FileSink::add(const Json& id, std::span<const float> vector) {
  if (!file_) reopen();
  file_->add(id, vector);
}

void FileSink::commit(const RunPosition& position) {
  if (!file_) reopen();
  const Hash128 written = file_->flush();
  journal_.add({position, file_->size(), written});
  position_ = position;
  const auto now = std::chrono::steady_clock::now();
  if (now - synced_ < kSyncInterval) return;
  synced_ = now;
  file_->sync();
  journal_.sync();
}

void FileSink::finish() {
  if (!file_) return;
  origin_.rows = file_->size().rows;
  origin_.items = position_.items, origin_.left_out = position_.bad, origin_.source = position_.source;
  file_->complete(origin_.ending());
  journal_.complete();
  vectors::VectorFile::publish(output_, layout_.format);
  journal_.remove();
}

void FileSink::discard() {
  vectors::VectorFile::discard(output_);
  journal_.remove();
}

}  // namespace e5v::runs
