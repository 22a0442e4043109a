#include "library/embedding_run.h"

#include <deque>
#include <map>
#include <mutex>
#include <unordered_set>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupted.h"
#include "library/metadata.h"
#include "library/walk.h"

namespace e5v::library {
namespace {

/// A message without the path that it begins with, because the reason stands beside the path.
std::string reason_of(const std::string& message, const std::string& path) {
  const std::string start = "[" + path + "] ";
  return message.starts_with(start) ? message.substr(start.size()) : message;
}

Input input_of(std::string_view content, const std::string& path) {
  EncodedImage image;
  const auto bytes = std::as_bytes(std::span(content));
  image.bytes.assign(bytes.begin(), bytes.end());
  image.name = path;
  return Input::from_image(std::move(image));
}

/// One run of embed_into(). next() runs on another thread than the other functions.
class EmbeddingRun {
 public:
  EmbeddingRun(IndexTarget& target, const IndexHooks& hooks) : target_(target), hooks_(hooks) {}

  Indexed run(const Embedder& embedder, const RunOptions& options, const PrepareOptions& prepare) {
    Stream stream;
    stream.next = [this] { return next(); };
    stream.done = [this](std::int64_t, const Embedding& embedding) {
      std::unique_ptr<NewPhoto> photo = pop();
      photo->vector.assign(embedding.vector.begin(), embedding.vector.end());
      const std::lock_guard lock(mutex_);
      batch_.photos.push_back(std::move(photo));
    };
    stream.bad = [this](std::int64_t, const InvalidInput& error) { take_bad(error); };
    stream.batch_end = [this] {
      if (std::chrono::steady_clock::now() - committed_ >= kCommitPause) commit();
      if (hooks_.check_stop) hooks_.check_stop();
    };
    try {
      embedder.stream(stream, options, prepare);
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
    for (;;) {
      if (hooks_.check_stop) hooks_.check_stop();
      const std::optional<FileEntry> file = target_.next_file();
      if (!file) return std::nullopt;
      const std::optional<FileStatus> status = image_status(file->status.path);
      if (!status) continue;  // it has gone; the next walk notices that
      std::string content;
      try {
        content = read_within(*status, hooks_.max_file_bytes);
      } catch (const InvalidInput& error) {
        const std::lock_guard lock(mutex_);
        batch_.failed.push_back({file->id, *status, reason_of(error.what(), status->path)});
        continue;
      }
      if (enters({file->id, *status, content_hash(content)}, content)) return input_of(content, status->path);
    }
  }

  /// False if the content is known already.
  bool enters(KnownFile file, std::string_view content) {
    {
      const std::lock_guard lock(mutex_);
      const auto same = on_their_way_.find(file.hash);
      if (same != on_their_way_.end()) return same->second->files.push_back(std::move(file)), false;
    }
    const bool known = is_known(file.hash);
    std::optional<Metadata> metadata;
    if (!known || target_.describes_known_files()) metadata = metadata_of(content, file.status.path);
    const std::lock_guard lock(mutex_);
    if (known) {
      if (metadata) batch_.described.emplace_back(file.hash, std::move(*metadata));
      batch_.known.push_back(std::move(file));
      return false;
    }
    auto photo = std::make_unique<NewPhoto>();
    photo->hash = file.hash;
    photo->metadata = std::move(*metadata);
    photo->files.push_back(std::move(file));
    on_their_way_[photo->hash] = photo.get();
    in_flight_.push_back(std::move(photo));
    return true;
  }

  bool is_known(const Hash128& hash) {
    {
      const std::lock_guard lock(mutex_);
      if (committed_photos_.contains(hash)) return true;
    }
    return target_.has_photo(hash);
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
        committed_photos_.insert(photo->hash);
      }
    }
    if (!batch.is_empty()) {
      const Indexed done = target_.commit(batch);
      for (const FailedFile& file : batch.failed)
        if (hooks_.failed) hooks_.failed(file.status.path, file.reason);
      if (hooks_.advanced) hooks_.advanced(done.total());
      indexed_ += done;
    }
    committed_ = std::chrono::steady_clock::now();
  }

  struct HashOfHash {
    std::size_t operator()(const Hash128& hash) const { return hash.low; }
  };

  IndexTarget& target_;
  const IndexHooks& hooks_;
  Indexed indexed_;
  std::chrono::steady_clock::time_point committed_ = std::chrono::steady_clock::now();

  std::mutex mutex_;                                          // of the members below
  std::unordered_set<Hash128, HashOfHash> committed_photos_;  // of this run
  std::deque<std::unique_ptr<NewPhoto>> in_flight_;           // given to the embedder
  std::map<Hash128, NewPhoto*> on_their_way_;                 // these, and those of the batch
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

Indexed embed_into(IndexTarget& target, const Embedder& embedder, const RunOptions& run, const PrepareOptions& prepare,
                   const IndexHooks& hooks) {
  RunOptions options = run;
  options.normalize = true;
  options.dimensions = 0;
  options.prompt = "image";
  return EmbeddingRun(target, hooks).run(embedder, options, prepare);
}

}  // namespace e5v::library
