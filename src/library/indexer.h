#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "e5v/embedder.h"
#include "library/library.h"

/// Gives waiting files their vectors.
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

/// Settles the waiting files whose content the library knows, which needs no model. Only files that have the size of a
/// known one are read.
Indexed recognise_files(Library& library, const IndexHooks& hooks = {});

/// Reads the metadata of photos again whose sidecar files have changed, or of all photos if some were added without the
/// module that reads metadata, and it is there now. No vector is computed, and no model is needed.
Indexed refresh_metadata(Library& library, const IndexHooks& hooks = {});

/// Computes the vectors of the other waiting files with a model, whose record the library must have. What is done is
/// committed after each batch, but not more often than every quarter of a second: then the rows are on the disk, and
/// the catalogue names them. A file that cannot be read gets its reason, and the run continues. Throws Interrupted
/// after a last commit, and what the embedder and the library throw.
Indexed embed_files(Library& library, const Embedder& embedder, const RunOptions& run = {},
                    const IndexHooks& hooks = {});

}  // namespace e5v::library
