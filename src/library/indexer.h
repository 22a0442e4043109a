#pragma once
#include "e5v/embedder.h"
#include "library/embedding_run.h"
#include "library/library.h"

/// Gives waiting files their vectors.
namespace e5v::library {

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
