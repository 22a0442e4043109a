#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "e5v/embedding.h"
#include "e5v/options.h"
#include "embed/prepare.h"
#include "nn/precision.h"
#include "tensor/arena.h"

namespace e5v::embed {

/// A model as the embedder uses it. It prepares inputs and computes the vectors of a batch.
class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  /// The preparer for some options. It is made at the first call and kept for a while. Several threads may call it at
  /// once. Throws ModelError.
  std::shared_ptr<Preparer> preparer(const PrepareOptions& options = {});

  /// The prepared input, with its fingerprint and what happens to its vector. Several threads may call it at once.
  /// Throws InvalidInput for every fault of the input.
  PreparedInput prepare(const Input& input, const RunOptions& run, const PrepareOptions& options);

  /// The fingerprint of vectors under a prompt (a name or a template). Several threads may call it at once. Throws
  /// InvalidInput for an unknown name.
  std::shared_ptr<const Fingerprint> fingerprint(const std::string& prompt, const RunOptions& run,
                                                 const PrepareOptions& options);

  /// The width of the vectors.
  virtual std::int64_t width() const = 0;
  /// The memory in which it computes.
  virtual tensor::Place place() const = 0;
  virtual nn::Precision precision() const = 0;
  /// The weights' part of the fingerprint.
  virtual std::string weights() const = 0;
  /// Computes the vectors of prepared inputs, not normalised. y_SD f32 [S, width()], S inputs; y and the arena are in
  /// place().
  virtual void compute(std::span<const PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena& arena) const = 0;
  /// Reads all weights. The name of the first one that holds NaN or infinity.
  virtual std::optional<std::string> first_non_finite() const = 0;
  /// The memory that is held in addition to the checkpoint's mapped pages.
  virtual std::int64_t owned_bytes() const = 0;

 protected:
  /// A preparer with other options than `sibling`, whose tokenizer it shares. Null: it is the first preparer.
  virtual std::unique_ptr<Preparer> make_preparer(const PrepareOptions& options, const Preparer* sibling) const = 0;

 private:
  std::shared_ptr<const Fingerprint> fingerprint_of(const Preparer& preparer, const std::string& prompt_hash,
                                                    const RunOptions& run);

  std::mutex mutex_;  // of the members below
  std::vector<std::pair<PrepareOptions, std::shared_ptr<Preparer>>> preparers_;
  std::map<std::string, std::shared_ptr<const Fingerprint>> fingerprints_;  // by all that they depend on
};

}  // namespace e5v::embed
