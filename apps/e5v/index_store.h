#pragma once
#include "index_options.h"

namespace e5v::app {

/// e5v index with --store. Returns the exit code.
int index_store(const IndexOptions& options);

}  // namespace e5v::app
