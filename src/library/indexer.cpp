#include "library/indexer.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupted.h"
#include "library/metadata.h"
#include "library/walk.h"

namespace e5v::library {
namespace {

/// Commits are at least so far apart, because each waits for the disk.
constexpr std::chrono::milliseconds kCommitPause{250};

/// Says that photos were added without the module that reads metadata.
constexpr const char *kMetadataSetting = "metadata", *kSizesOnly = "sizes only";

/// A file whose content is known now.
struct KnownFile {
  std::int64_t id;
  FileStatus status;  // when it was read
  Hash128 hash;
};

struct FailedFile {
  std::int64_t id;
  FileStatus status;
  std::string reason;
};

/// A photo on its way to its vector, with its files.
struct NewPhoto {
  Hash128 hash;
  Metadata metadata;
  std::int64_t row = 0;
  std::vector<KnownFile> files;
};

/// Everything that the next commit writes.
struct IndexBatch {
  std::vector<std::unique_ptr<NewPhoto>> photos;
  std::vector<KnownFile> known;
  std::vector<FailedFile> failed;

  bool is_empty() const { return photos.empty() && known.empty() && failed.empty(); }
};

/// A message without the path that it begins with, because the reason stands beside the path.
std::string reason_of(const std::string& message, const std::string& path) {
  const std::string start = "[" + path + "] ";
  return message.starts_with(start) ? message.substr(start.size()) : message;
}

/// The content of a file. Throws InvalidInput if it cannot be read or is too large.
std::string read_within(const FileStatus& file, std::int64_t max_bytes) {
  require(file.size <= max_bytes, "[{}] has {} bytes, expected at most {}", file.path, file.size, max_bytes);
  return read_file(file.path, static_cast<std::uint64_t>(max_bytes));
}

Hash128 content_hash(std::string_view content) { return Hasher().add(content).digest(); }

Metadata metadata_of(std::string_view content, const std::string& path) {
  Metadata metadata = read_metadata(std::as_bytes(std::span(content)));
  add_sidecars(path, metadata);
  return metadata;
}

/// Writes a batch and says what became of its files.
Indexed commit_batch(Library& library, const IndexBatch& batch, const IndexHooks& hooks) {
  Indexed done;
  if (batch.is_empty()) return done;
  if (!batch.photos.empty()) library.writer().flush();  // before the catalogue names the rows
  Catalogue& catalogue = library.catalogue();
  Transaction transaction(catalogue.database());
  if (!batch.photos.empty() && metadata_reader().reader == nullptr) catalogue.set(kMetadataSetting, kSizesOnly);
  const auto settle = [&](const KnownFile& file, std::int64_t& number) {
    catalogue.set_done(file.id, file.status, file.hash);
    ++(catalogue.forget_gone(file.hash) ? done.moved : number);
  };
  for (const auto& photo : batch.photos) {
    catalogue.add_photo(photo->hash, photo->row, photo->metadata);
    for (const KnownFile& file : photo->files)
      settle(file, &file == &photo->files.front() ? done.embedded : done.known);
  }
  for (const KnownFile& file : batch.known) settle(file, done.known);
  for (const FailedFile& file : batch.failed) catalogue.set_failed(file.id, file.status, file.reason);
  done.failed = static_cast<std::int64_t>(batch.failed.size());
  transaction.commit();
  for (const FailedFile& file : batch.failed)
    if (hooks.failed) hooks.failed(file.status.path, file.reason);
  if (hooks.advanced) hooks.advanced(done.total());
  return done;
}

/// One run of embed_files(). next() runs on another thread than the other functions.
class EmbeddingRun {
 public:
  EmbeddingRun(Library& library, const IndexHooks& hooks)
      : library_(library), hooks_(hooks), files_(library.catalogue().files_with(FileState::waiting)) {
    for (const auto& [hash, row] : library.catalogue().rows_of_photos()) known_.insert(hash);
  }

  Indexed run(const Embedder& embedder, const RunOptions& options) {
    Stream stream;
    stream.next = [this] { return next(); };
    stream.done = [this](std::int64_t, const Embedding& embedding) {
      std::unique_ptr<NewPhoto> photo = pop();
      photo->row = library_.writer().add(embedding.vector);
      const std::lock_guard lock(mutex_);
      batch_.photos.push_back(std::move(photo));
    };
    stream.bad = [this](std::int64_t, const InvalidInput& error) { take_bad(error); };
    stream.batch_end = [this] {
      if (std::chrono::steady_clock::now() - committed_ >= kCommitPause) commit();
      if (hooks_.check_stop) hooks_.check_stop();
    };
    try {
      embedder.stream(stream, options, library_.model()->prepare);
    } catch (const Interrupted&) {
      commit();
      throw;
    }
    commit();
    return indexed_;
  }

 private:
  /// The next input; files without one are passed over.
  std::optional<Input> next() {
    while (next_ < files_.size()) {
      if (hooks_.check_stop) hooks_.check_stop();
      const FileEntry& file = files_[next_++];
      const std::optional<FileStatus> status = image_status(file.status.path);
      if (!status) continue;  // it has gone; the next walk notices that
      std::string content;
      try {
        content = read_within(*status, hooks_.max_file_bytes);
      } catch (const InvalidInput& error) {
        const std::lock_guard lock(mutex_);
        batch_.failed.push_back({file.id, *status, reason_of(error.what(), status->path)});
        continue;
      }
      if (enters({file.id, *status, content_hash(content)}, content)) return input_of(content, status->path);
    }
    return std::nullopt;
  }

  /// False if the content is known already.
  bool enters(KnownFile file, std::string_view content) {
    {
      const std::lock_guard lock(mutex_);
      if (known_.contains(file.hash)) return batch_.known.push_back(std::move(file)), false;
      const auto same = on_their_way_.find(file.hash);
      if (same != on_their_way_.end()) return same->second->files.push_back(std::move(file)), false;
    }
    auto photo = std::make_unique<NewPhoto>();
    photo->hash = file.hash;
    photo->metadata = metadata_of(content, file.status.path);
    photo->files.push_back(std::move(file));
    const std::lock_guard lock(mutex_);
    on_their_way_[photo->hash] = photo.get();
    in_flight_.push_back(std::move(photo));
    return true;
  }

  static Input input_of(std::string_view content, const std::string& path) {
    EncodedImage image;
    const auto bytes = std::as_bytes(std::span(content));
    image.bytes.assign(bytes.begin(), bytes.end());
    image.name = path;
    return Input::from_image(std::move(image));
  }

  std::unique_ptr<NewPhoto> pop() {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<NewPhoto> photo = std::move(in_flight_.front());
    in_flight_.pop_front();
    return photo;
  }

  void take_bad(const InvalidInput& error) {
    const std::unique_ptr<NewPhoto> photo = pop();
    const std::lock_guard lock(mutex_);
    const std::string reason = reason_of(error.what(), photo->files.front().status.path);
    on_their_way_.erase(photo->hash);
    for (const KnownFile& file : photo->files) batch_.failed.push_back({file.id, file.status, reason});
  }

  void commit() {
    IndexBatch batch;
    {
      const std::lock_guard lock(mutex_);
      std::swap(batch, batch_);
      for (const auto& photo : batch.photos) {
        on_their_way_.erase(photo->hash);
        known_.insert(photo->hash);
      }
    }
    indexed_ += commit_batch(library_, batch, hooks_);
    committed_ = std::chrono::steady_clock::now();
  }

  struct HashOfHash {
    std::size_t operator()(const Hash128& hash) const { return hash.low; }
  };

  Library& library_;
  const IndexHooks& hooks_;
  const std::vector<FileEntry> files_;
  std::size_t next_ = 0;
  Indexed indexed_;
  std::chrono::steady_clock::time_point committed_ = std::chrono::steady_clock::now();

  std::mutex mutex_;  // of the members below
  std::unordered_set<Hash128, HashOfHash> known_;
  std::deque<std::unique_ptr<NewPhoto>> in_flight_;  // given to the embedder
  std::map<Hash128, NewPhoto*> on_their_way_;        // these, and those of the batch
  IndexBatch batch_;
};

}  // namespace

Indexed& Indexed::operator+=(const Indexed& other) {
  embedded += other.embedded;
  moved += other.moved;
  known += other.known;
  failed += other.failed;
  described += other.described;
  return *this;
}

Indexed recognise_files(Library& library, const IndexHooks& hooks) {
  Catalogue& catalogue = library.catalogue();
  const std::vector<FileEntry> waiting = catalogue.files_with(FileState::waiting);
  Indexed done;
  if (waiting.empty()) return done;
  const std::set<std::int64_t> sizes = catalogue.known_sizes();
  IndexBatch batch;
  const auto commit = [&] { done += commit_batch(library, std::exchange(batch, {}), hooks); };
  auto committed = std::chrono::steady_clock::now();
  for (const FileEntry& file : waiting) {
    if (hooks.check_stop) hooks.check_stop();
    const std::optional<FileStatus> status = image_status(file.status.path);
    if (!status || !sizes.contains(status->size)) continue;
    try {
      const Hash128 hash = content_hash(read_within(*status, hooks.max_file_bytes));
      if (catalogue.has_photo(hash)) batch.known.push_back({file.id, *status, hash});
    } catch (const InvalidInput&) {
      continue;  // embed_files() says why
    }
    if (std::chrono::steady_clock::now() - committed < kCommitPause) continue;
    commit();
    committed = std::chrono::steady_clock::now();
  }
  commit();
  return done;
}

Indexed refresh_metadata(Library& library, const IndexHooks& hooks) {
  constexpr std::size_t kTogether = 256;  // files of a commit
  Catalogue& catalogue = library.catalogue();
  if (metadata_reader().reader != nullptr && catalogue.setting(kMetadataSetting) == kSizesOnly) {
    Transaction transaction(catalogue.database());
    catalogue.make_all_stale();
    catalogue.set(kMetadataSetting, "all");
    transaction.commit();
  }
  const std::vector<FileEntry> stale = catalogue.stale_files();
  Indexed done;
  for (std::size_t begin = 0; begin < stale.size(); begin += kTogether) {
    Transaction transaction(catalogue.database());
    for (const FileEntry& file : std::span(stale).subspan(begin, std::min(kTogether, stale.size() - begin))) {
      if (hooks.check_stop) hooks.check_stop();
      try {
        const std::string content = read_within(file.status, hooks.max_file_bytes);
        if (content_hash(content) == file.hash)
          catalogue.set_metadata(*file.hash, metadata_of(content, file.status.path));
      } catch (const InvalidInput&) {
        continue;  // it has gone or changed; the next walk notices that
      }
      catalogue.set_fresh(file.id);
      ++done.described;
    }
    transaction.commit();
  }
  return done;
}

Indexed embed_files(Library& library, const Embedder& embedder, const RunOptions& run, const IndexHooks& hooks) {
  require(library.model().has_value() && library.model()->width == embedder.width(),
          "[{}] expected a library with the model's record", library.folder().string());
  RunOptions options = run;
  options.normalize = true;
  options.dimensions = 0;
  options.prompt = "image";
  return EmbeddingRun(library, hooks).run(embedder, options);
}

}  // namespace e5v::library
