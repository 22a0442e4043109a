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

/// A model as the embedder sees it: what prepares inputs for it, and vectors of batches of these.
class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  /// What prepares inputs under some options: made when it is first asked for, and kept for a while. May be called from
  /// several threads at once. Throws ModelError.
  std::shared_ptr<Preparer> preparer(const PrepareOptions& options = {});

  /// What the model takes for an input: prepared, and knowing what becomes of its vector. May be called from several
  /// threads at once. Throws InvalidInput for everything that is wrong with the input.
  PreparedInput prepare(const Input& input, const RunOptions& run, const PrepareOptions& options);

  /// Where vectors under a prompt (a name or a template) come from. May be called from several threads at once. Throws
  /// InvalidInput for a name that is unknown.
  std::shared_ptr<const Fingerprint> fingerprint(const std::string& prompt, const RunOptions& run,
                                                 const PrepareOptions& options);

  /// Numbers per vector.
  virtual std::int64_t width() const = 0;
  /// Where it computes.
  virtual tensor::Place place() const = 0;
  virtual nn::Precision precision() const = 0;
  /// The fingerprint's part of that name.
  virtual std::string weights() const = 0;
  /// The vectors of prepared inputs, not normalised. y_SD f32 [S, width()], S inputs, and the arena are of place().
  virtual void compute(std::span<const PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena& arena) const = 0;
  /// Reads all weights; the name of the first that holds NaN or infinity.
  virtual std::optional<std::string> first_non_finite() const = 0;
  /// Memory held beyond the checkpoint's mapped pages.
  virtual std::int64_t owned_bytes() const = 0;

 protected:
  /// A preparer under other options than those of `sibling`, whose tokenizer it shares; null: the first one.
  virtual std::unique_ptr<Preparer> make_preparer(const PrepareOptions& options, const Preparer* sibling) const = 0;

 private:
  std::shared_ptr<const Fingerprint> fingerprint_of(const Preparer& preparer, const std::string& prompt_hash,
                                                    const RunOptions& run);

  std::mutex mutex_;  // of the members below
  std::vector<std::pair<PrepareOptions, std::shared_ptr<Preparer>>> preparers_;
  std::map<std::string, std::shared_ptr<const Fingerprint>> fingerprints_;  // by what they are made of
};

}  // namespace e5v::embed
