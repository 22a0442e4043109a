#include "embed/engine.h"

#include <algorithm>

#include "embed/loading.h"

namespace e5v::embed {
namespace {

/// The number of preparers and fingerprints that are kept. A caller has few of each.
constexpr std::size_t kPreparersKept = 8, kFingerprintsKept = 1000;

}  // namespace

std::shared_ptr<Preparer> Engine::preparer(const PrepareOptions& options) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(preparers_, options, &decltype(preparers_)::value_type::first);
  if (found != preparers_.end()) return found->second;
  const Preparer* sibling = preparers_.empty() ? nullptr : preparers_.front().second.get();
  const std::shared_ptr<Preparer> made = make_preparer(options, sibling);
  if (preparers_.size() == kPreparersKept) preparers_.erase(preparers_.begin());
  preparers_.emplace_back(options, made);
  return made;
}

PreparedInput Engine::prepare(const Input& input, const RunOptions& run, const PrepareOptions& options) {
  const std::shared_ptr<Preparer> preparing = preparer(options);
  PreparedInput prepared = preparing->prepare(input, run.prompt);
  prepared.fingerprint = fingerprint_of(*preparing, *prepared.prompt, run);
  prepared.normalize = run.normalize;
  prepared.dimensions = run.dimensions;
  return prepared;
}

std::shared_ptr<const Fingerprint> Engine::fingerprint(const std::string& prompt, const RunOptions& run,
                                                       const PrepareOptions& options) {
  const std::shared_ptr<Preparer> preparing = preparer(options);
  return fingerprint_of(*preparing, *preparing->prompt_hash(prompt), run);
}

std::shared_ptr<const Fingerprint> Engine::fingerprint_of(const Preparer& preparer, const std::string& prompt_hash,
                                                          const RunOptions& run) {
  const std::string key =
      fmt::format("{} {} {} {}", preparer.preprocessing(), prompt_hash, run.normalize, run.dimensions);
  const std::lock_guard lock(mutex_);
  if (const auto found = fingerprints_.find(key); found != fingerprints_.end()) return found->second;
  const Fingerprint fingerprint{weights(), preparer.preprocessing(), compute_text(precision(), run, place()),
                                prompt_hash};
  if (fingerprints_.size() == kFingerprintsKept) fingerprints_.clear();
  return fingerprints_.emplace(key, std::make_shared<const Fingerprint>(fingerprint)).first->second;
}

}  // namespace e5v::embed
