#include "base/hash.h"
#include "e5v/embedder.h"

namespace e5v {

std::string Fingerprint::space() const {
  return Hasher().add(weights).add("/").add(preprocessing).add("/").add(compute).digest().hex();
}

std::string Fingerprint::id() const { return Hasher().add(space()).add("/").add(prompt).digest().hex(); }

}  // namespace e5v
