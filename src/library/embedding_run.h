#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "e5v/embedder.h"
#include "library/photo.h"

/// Reads files, computes their vectors, and hands over what has become of them: for a library (library/indexer), and
/// for stores that several machines fill (stores/shared_index).
namespace e5v::library {

/// What an indexer asks and tells its caller.
struct IndexHooks {
  /// Throws Interrupted when the indexer is to stop; called between files, from two threads.
  std::function<void()> check_stop = nullptr;
  /// So many files have got their state, and the catalogue has it.
  std::function<void(std::int64_t files)> advanced = nullptr;
  /// Larger files are refused before they are read.
  std::int64_t max_file_bytes = std::int64_t{1} << 30;
  /// A file cannot be read, and why.
  std::function<void(const std::string& path, const std::string& reason)> failed = nullptr;
};

/// Numbers of files by what became of them.
struct Indexed {
  std::int64_t embedded = 0;   ///< a vector was computed
  std::int64_t moved = 0;      ///< the content is that of a file that has gone; the vector is kept
  std::int64_t known = 0;      ///< the content is that of a known photo; the vector is shared
  std::int64_t failed = 0;     ///< cannot be read
  std::int64_t described = 0;  ///< no vector was needed; the metadata were read again

  std::int64_t total() const { return embedded + moved + known + failed + described; }
  Indexed& operator+=(const Indexed& other);
  bool operator==(const Indexed&) const = default;
};

/// A file whose content is known now.
struct KnownFile {
  std::int64_t id;
  FileStatus status;  ///< when it was read
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
  std::vector<float> vector;  ///< of length 1
  std::vector<KnownFile> files;
};

/// Everything that the next commit writes.
struct IndexBatch {
  std::vector<std::unique_ptr<NewPhoto>> photos;
  std::vector<KnownFile> known;                         ///< files of photos that have their vectors already
  std::vector<std::pair<Hash128, Metadata>> described;  ///< metadata of these, if the target asks for them
  std::vector<FailedFile> failed;

  bool is_empty() const { return photos.empty() && known.empty() && failed.empty(); }
};

/// Where files come from, and where photos go.
class IndexTarget {
 public:
  virtual ~IndexTarget() = default;
  /// The next file to read; nothing if there is none. Called on another thread than commit().
  virtual std::optional<FileEntry> next_file() = 0;
  /// Whether a photo had its vector before this run. Called on the thread of next_file().
  virtual bool has_photo(const Hash128& hash) = 0;
  /// Whether the metadata of a file with a known content are to be read.
  virtual bool describes_known_files() const { return false; }
  /// Writes a batch and says what became of its files.
  virtual Indexed commit(const IndexBatch& batch) = 0;
};

/// Gives the files of a target their vectors. What is done is committed after each batch, but not more often than every
/// quarter of a second. A file that cannot be read gets its reason, and the run continues. Throws Interrupted after a
/// last commit, and what the embedder and the target throw.
Indexed embed_into(IndexTarget& target, const Embedder& embedder, const RunOptions& run, const PrepareOptions& prepare,
                   const IndexHooks& hooks);

/// Commits are at least so far apart, because each waits for the disk.
inline constexpr std::chrono::milliseconds kCommitPause{250};

/// The content of a file. Throws InvalidInput if it cannot be read or is too large.
std::string read_within(const FileStatus& file, std::int64_t max_bytes);
Hash128 content_hash(std::string_view content);
/// The metadata of a file with this content, and of its sidecar files.
Metadata metadata_of(std::string_view content, const std::string& path);

}  // namespace e5v::library
