#include "stores/shared_index.h"

#include <deque>
#include <thread>
#include <utility>

#include "library/reference_texts.h"

namespace e5v::stores {
namespace {

using namespace std::chrono_literals;

/// So few that others have work, too, when the end is near.
constexpr std::int64_t kClaimedTogether = 16;
/// How often a program looks whether the claims of others have ended.
constexpr std::chrono::milliseconds kPause = 300ms;

/// Claimed files as the source of a run.
class ClaimedFiles : public library::IndexTarget {
 public:
  explicit ClaimedFiles(SharedFiles& files) : files_(files) {}

  std::optional<library::FileEntry> next_file() override {
    for (;;) {
      if (claimed_.empty())
        for (library::FileEntry& file : files_.claim(kClaimedTogether)) claimed_.push_back(std::move(file));
      if (claimed_.empty()) return std::nullopt;
      library::FileEntry file = std::move(claimed_.front());
      claimed_.pop_front();
      if (library::image_status(file.status.path)) return file;
      files_.forget(file.id);
    }
  }
  bool has_photo(const Hash128& hash) override { return files_.has_photo(hash); }
  /// A changed sidecar lets its file wait.
  bool describes_known_files() const override { return true; }
  library::Indexed commit(const library::IndexBatch& batch) override { return files_.commit(batch); }

 private:
  SharedFiles& files_;
  std::deque<library::FileEntry> claimed_;
};

/// Ends the claims, whatever happens.
struct Claims {
  SharedFiles& files;
  ~Claims() { files.end_claims(); }
};

}  // namespace

library::Indexed index_shared(SharedFiles& files, std::span<const std::string> folders,
                              std::chrono::milliseconds claim_time, const Embedder& embedder, const RunOptions& run,
                              const PrepareOptions& prepare, const library::IndexHooks& hooks) {
  files.begin_claims(folders, claim_time);
  const Claims claims{files};
  library::Indexed done;
  for (;;) {
    ClaimedFiles target(files);
    const library::Indexed now = embed_into(target, embedder, run, prepare, hooks);
    done += now;
    if (files.waiting() == 0) return done;
    if (now.total() > 0) continue;
    if (hooks.check_stop) hooks.check_stop();
    std::this_thread::sleep_for(kPause);
  }
}

void calibrate_store(PhotoStore& store, const Embedder& embedder, const RunOptions& run,
                     const PrepareOptions& prepare) {
  const std::int64_t count = store.count({});
  if (library::is_calibrated(store.calibration(), count)) return;
  std::vector<std::vector<tensor::Half>> photos;
  for (StoredPhoto& photo : store.sample(library::kCalibrationPhotos)) photos.push_back(std::move(photo.vector));
  store.set_calibration(library::calibration_of(photos, library::embed_reference_texts(embedder, run, prepare), count));
}

}  // namespace e5v::stores
