#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "library/library.h"
#include "library/search.h"

namespace e5v::library {

/// A library that is read for a long time, while another process may write it. It keeps the vectors in the form that is
/// searched, and opens the library anew when the catalogue has changed. Thread-safe.
class LibraryReader {
 public:
  /// What one call of read() sees: one state of the catalogue. Rows of photos that have been indexed since the index
  /// was made, which is at most some seconds ago, exceed those of the index.
  struct View {
    Library& library;
    Database& database;
    const PhotoIndex& index;
    std::int64_t state;  ///< a number that differs after each change of the catalogue
  };

  /// Throws InvalidInput if there is no library, or if it has no vectors yet.
  explicit LibraryReader(std::filesystem::path folder);

  const std::filesystem::path& folder() const { return folder_; }
  /// The model that computed the vectors.
  const ModelRecord& model() const { return model_; }

  /// Returns what `work` returns for the library as it is now. There is one call at a time, so that a search has all
  /// cores. Throws InvalidInput if another process has given the library another model.
  template <class Work>
  auto read(const Work& work) {
    const std::lock_guard lock(mutex_);
    begin();
    const Commit end{opened_->catalogue().database()};
    return work(View{*opened_, opened_->catalogue().database(), *index_, state_});
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Ends a transaction that reads, so that the log of the writer can be cut.
  struct Commit {
    Database& database;
    ~Commit();
  };

  void begin();
  void open();
  void notice_changes();
  bool has_vectors_of_index();

  const std::filesystem::path folder_;
  ModelRecord model_;
  std::string model_text_, vectors_name_;  // as the catalogue has them
  std::mutex mutex_;                       // protects the members below
  std::unique_ptr<Library> opened_;
  std::unique_ptr<PhotoIndex> index_;
  std::int64_t state_ = 0, data_version_ = 0;
  bool index_is_old_ = false;
  Clock::time_point next_index_;
};

}  // namespace e5v::library
