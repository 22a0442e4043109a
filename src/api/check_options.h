#pragma once
#include <cstdint>

#include "e5v/options.h"

namespace e5v {

/// Throw InvalidInput for a number out of its range: "[options] threads is 2000, expected a number from 0 (one per
/// core) to 1024".
void check(const LoadOptions& options);
void check(const PrepareOptions& options);
/// width: numbers per vector of the model.
void check(const RunOptions& options, std::int64_t width);

}  // namespace e5v
