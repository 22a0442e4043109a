#pragma once
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "library/changes.h"
#include "library/embedding_run.h"
#include "library/model_record.h"
#include "library/walk.h"
#include "stores/photo_store.h"

/// Several programs, on any machines, index the same folders into one store.
namespace e5v::stores {

/// The files of a store. A program claims waiting files before it reads them, so that no other one does. Claims end
/// when their files are settled, when the program ends, and, if it does not renew them, after a while.
class SharedFiles {
 public:
  virtual ~SharedFiles() = default;

  /// Records what has changed in a folder since it was last walked; as library::record_changes().
  virtual library::Changes record(const std::string& folder, const library::Walked& walked) = 0;

  /// Begins to claim files in these folders, for `time` from now on and from each renewal, which a thread does.
  virtual void begin_claims(std::span<const std::string> folders, std::chrono::milliseconds time) = 0;
  /// Claims up to `count` waiting files that no other program has claimed. This and the next three functions may be
  /// called on another thread than the others.
  virtual std::vector<library::FileEntry> claim(std::int64_t count) = 0;
  /// Forgets a waiting file that does not exist any more.
  virtual void forget(std::int64_t file) = 0;
  virtual bool has_photo(const Hash128& hash) = 0;
  /// The number of files in the folders that wait, also of those that other programs have claimed.
  virtual std::int64_t waiting() = 0;
  /// Settles claimed files, and adds their photos. Files whose claims were lost are left to others.
  virtual library::Indexed commit(const library::IndexBatch& batch) = 0;
  /// Gives up all claims.
  virtual void end_claims() noexcept = 0;

  /// Lets failed files wait again.
  virtual void retry_failed() = 0;
  /// Forgets deleted files, and photos without files; returns the number of the files.
  virtual std::int64_t purge() = 0;
  /// Replaces the model; all files wait again.
  virtual void rebuild(const library::ModelRecord& model) = 0;
  virtual library::Counts counts() = 0;
  /// The files that cannot be read, sorted by path, with their reasons.
  virtual std::vector<library::FileEntry> failed() = 0;
};

/// Computes the distributions of unrelated scores from a sample of the store's photos, and keeps them in it, unless at
/// most a hundredth of the photos is newer than those that it has.
void calibrate_store(PhotoStore& store, const Embedder& embedder, const RunOptions& run, const PrepareOptions& prepare);

/// Indexes the waiting files of the folders together with other programs, until none waits: also until what others have
/// claimed is settled, or their claims have ended and it is done here. Throws what library::embed_into() throws.
library::Indexed index_shared(SharedFiles& files, std::span<const std::string> folders,
                              std::chrono::milliseconds claim_time, const Embedder& embedder, const RunOptions& run,
                              const PrepareOptions& prepare, const library::IndexHooks& hooks);

}  // namespace e5v::stores
