#include "library/indexer.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "library/metadata.h"
#include "library/walk.h"

namespace e5v::library {
namespace {

/// Says that photos were added without the module that reads metadata.
constexpr const char *kMetadataSetting = "metadata", *kSizesOnly = "sizes only";

/// Writes a batch and says what became of its files.
Indexed commit_batch(Library& library, const IndexBatch& batch) {
  Indexed done;
  if (batch.is_empty()) return done;
  std::vector<std::int64_t> rows;
  for (const auto& photo : batch.photos) rows.push_back(library.writer().add(photo->vector));
  if (!rows.empty()) library.writer().flush();  // before the catalogue names the rows
  Catalogue& catalogue = library.catalogue();
  Transaction transaction(catalogue.database());
  if (!batch.photos.empty() && metadata_reader().reader == nullptr) catalogue.set(kMetadataSetting, kSizesOnly);
  const auto settle = [&](const KnownFile& file, std::int64_t& number) {
    catalogue.set_done(file.id, file.status, file.hash);
    ++(catalogue.forget_gone(file.hash) ? done.moved : number);
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const NewPhoto& photo = *batch.photos[i];
    catalogue.add_photo(photo.hash, rows[i], photo.metadata);
    for (const KnownFile& file : photo.files) settle(file, &file == &photo.files.front() ? done.embedded : done.known);
  }
  for (const KnownFile& file : batch.known) settle(file, done.known);
  for (const FailedFile& file : batch.failed) catalogue.set_failed(file.id, file.status, file.reason);
  done.failed = static_cast<std::int64_t>(batch.failed.size());
  transaction.commit();
  return done;
}

/// The waiting files of a library, and the library that takes their photos.
class LibraryTarget : public IndexTarget {
 public:
  explicit LibraryTarget(Library& library)
      : library_(library), files_(library.catalogue().files_with(FileState::waiting)) {
    for (const auto& [hash, row] : library.catalogue().rows_of_photos()) known_.insert(hash);
  }

  std::optional<FileEntry> next_file() override {
    return next_ < files_.size() ? std::optional(files_[next_++]) : std::nullopt;
  }
  bool has_photo(const Hash128& hash) override { return known_.contains(hash); }
  Indexed commit(const IndexBatch& batch) override { return commit_batch(library_, batch); }

 private:
  struct HashOfHash {
    std::size_t operator()(const Hash128& hash) const { return hash.low; }
  };

  Library& library_;
  const std::vector<FileEntry> files_;
  std::size_t next_ = 0;
  std::unordered_set<Hash128, HashOfHash> known_;  // before the run
};

}  // namespace

Indexed recognise_files(Library& library, const IndexHooks& hooks) {
  Catalogue& catalogue = library.catalogue();
  const std::vector<FileEntry> waiting = catalogue.files_with(FileState::waiting);
  Indexed done;
  if (waiting.empty()) return done;
  const std::set<std::int64_t> sizes = catalogue.known_sizes();
  IndexBatch batch;
  const auto commit = [&] {
    const Indexed committed = commit_batch(library, std::exchange(batch, {}));
    if (hooks.advanced && committed.total() > 0) hooks.advanced(committed.total());
    done += committed;
  };
  auto last = std::chrono::steady_clock::now();
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
    if (std::chrono::steady_clock::now() - last < kCommitPause) continue;
    commit();
    last = std::chrono::steady_clock::now();
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
  LibraryTarget target(library);
  return embed_into(target, embedder, run, library.model()->prepare, hooks);
}

}  // namespace e5v::library
