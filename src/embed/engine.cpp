#include "embed/engine.h"

#include "embed/loading.h"

namespace e5v::embed {

Fingerprint Engine::fingerprint(const std::string& prompt_hash, bool normalize) {
  return {weights(), preparer().preprocessing(), compute_text(precision(), normalize, place()), prompt_hash};
}

}  // namespace e5v::embed
