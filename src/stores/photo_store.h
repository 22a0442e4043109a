#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "library/calibration.h"
#include "library/filter.h"
#include "library/model_record.h"
#include "library/photo.h"
#include "library/search.h"
#include "tensor/half.h"

/// Stores of photos with their vectors: a library on this machine, or a server that many machines use.
namespace e5v::stores {

/// A photo as it moves between stores. Stores keep all of it to the bit.
struct StoredPhoto {
  Hash128 hash;  ///< of the content
  library::Metadata metadata;
  std::vector<library::FileStatus> files;  ///< those that exist, sorted by path
  std::vector<tensor::Half> vector;        ///< [width], of length 1
};

struct StoreQuery {
  std::vector<float> vector;  ///< [width], of length 1
  library::Filter filter = {};
  std::int64_t top = 10;
  double min_score = -1;
  bool exact = true;                              ///< false: an index may be used that can miss photos
  std::optional<Hash128> without = std::nullopt;  ///< a photo that is no match
};

struct StoreMatch {
  double score = 0;  ///< the cosine, in double arithmetic over the stored vector
  library::Photo photo;
};

class SharedFiles;

/// A store. Messages of what it throws begin with its name. InvalidInput says that the caller can mend something,
/// DeviceError that the server or the connection failed.
class PhotoStore {
 public:
  virtual ~PhotoStore() = default;
  /// The folder of a library, or the address of a server without its password.
  virtual const std::string& name() const = 0;

  /// The model that computed the vectors; nothing if the store has none yet.
  virtual std::optional<library::ModelRecord> model() = 0;
  /// Sets the model, and makes the store if there is none. Throws InvalidInput if its vectors cannot be compared with
  /// those of the store.
  virtual void set_model(const library::ModelRecord& model) = 0;

  /// The folders whose photos the store has.
  virtual std::vector<library::Root> roots() = 0;
  virtual void set_root(const library::Root& root) = 0;

  /// Adds photos, or replaces the metadata and adds the files of those that it has. The model must be set.
  virtual void put(std::span<const StoredPhoto> photos) = 0;
  /// Visits all photos of which a file exists, in one state of the store, in any order.
  virtual void for_each(const std::function<void(StoredPhoto)>& visit) = 0;
  /// The photo of a file, by its path, or by the first digits of its hash, at least 6. Throws InvalidInput if there is
  /// none, or several.
  virtual StoredPhoto find(const std::string& path_or_hash) = 0;
  /// The photos with the lowest hashes, of which a file exists: a choice that has nothing to do with what they show.
  virtual std::vector<StoredPhoto> sample(std::int64_t count) = 0;

  /// The photos with the highest cosines, the best first.
  virtual std::vector<StoreMatch> search(const StoreQuery& query) = 0;
  /// The number of photos that a filter lets through and of which a file exists.
  virtual std::int64_t count(const library::Filter& filter) = 0;
  /// The distributions of unrelated scores (library/calibration); empty if the store has none.
  virtual std::string calibration() = 0;
  virtual void set_calibration(const std::string& calibration) = 0;
  /// What scores of a query with these parts are compared with; nothing if that is not known.
  virtual std::optional<library::ScoreScale> scale(std::span<const library::QueryPart> parts) {
    return scale_in(calibration(), parts);
  }

  /// Makes the index for searches that need not be exact, if the store has one. To be called after many photos were
  /// put.
  virtual void make_index() {}
  /// What this index is; empty if there is none.
  virtual std::string index() { return ""; }
  /// The files that several machines index together; null if the store cannot share work.
  virtual SharedFiles* shared_files() { return nullptr; }
};

}  // namespace e5v::stores
