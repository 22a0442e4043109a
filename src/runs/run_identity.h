#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/hash.h"
#include "vectors/vector_origin.h"

/// What a run is, and where it has got to: what a later run needs to go on with it.
namespace e5v::runs {

/// Where a run has got to.
struct RunPosition {
  std::int64_t items = 0;  ///< taken from the source, bad ones included
  std::int64_t bad = 0;
  Hash128 source;  ///< ItemSource::digest() after them
  bool operator==(const RunPosition&) const = default;
};

/// What must be the same for a run to go on where another stopped, by key: "weights", "preprocessing", "compute",
/// "prompt" and "width".
using RunIdentity = std::map<std::string, std::string>;

RunIdentity identity_of(const vectors::VectorOrigin& origin);

/// Throws InvalidInput, which says what differs in words, unless a run that began as `before` can go on as `now`.
void require_same_identity(const std::filesystem::path& output, const RunIdentity& before, const RunIdentity& now);

}  // namespace e5v::runs
