#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "e5v/embedder.h"
#include "eval/items.h"
#include "tensor/tensor.h"
#include "vectors/vector_store.h"

namespace e5v::eval {

/// Turns items into vectors. It stores the vectors on disk.
class Encoder {
 public:
  /// Functions of the caller; each may be empty.
  struct Hooks {
    /// Throws Interrupted when the evaluation shall stop. Vectors that were computed stay in the store.
    std::function<void()> check_stop;
    /// A pass over `total` items begins, which are not in the store. advance() gets the number of items since the last
    /// call.
    std::function<void(const std::string& what, std::int64_t total)> begin;
    std::function<void(std::int64_t items)> advance;
  };

  /// The numbers of vectors that were computed and that were in the store.
  struct Counts {
    std::int64_t computed = 0, reused = 0;
  };

  /// How a model embeds.
  struct Options {
    LoadOptions load = {};
    PrepareOptions prepare = {};
    std::int64_t token_budget = 0;  ///< RunOptions::token_budget
  };

  /// Loads the model. The folder `store` is created if it does not exist.
  Encoder(const std::filesystem::path& model, const Options& options, std::filesystem::path store, Hooks hooks);

  /// Vectors f32 [items, D], not normalised, under a prompt (a name or a template). The hooks get `what`, the kind of
  /// the items ("photos"). Throws InvalidInput, which names the first item that cannot be embedded or that has a vector
  /// of zeros or without finite numbers. Vectors that were computed before stay in the store.
  tensor::Tensor embed(std::span<const Item> items, const std::string& prompt, const std::string& what);

  /// Throws InvalidInput when the model has no such prompt.
  void check_prompt(const std::string& prompt) const { fingerprint(prompt); }

  /// The fingerprint of vectors under a prompt.
  Fingerprint fingerprint(const std::string& prompt) const;

  std::int64_t width() const { return embedder_.width(); }
  const Counts& counts() const { return counts_; }
  const Hooks& hooks() const { return hooks_; }
  const std::filesystem::path& model() const { return model_; }

 private:
  RunOptions run_under(const std::string& prompt) const;
  vectors::VectorStore& store_of(const std::string& prompt);
  void compute(std::span<const Item> items, const std::vector<std::size_t>& missing, const std::string& prompt,
               const std::string& what);

  std::filesystem::path model_, folder_;
  Options options_;
  Embedder embedder_;
  Hooks hooks_;
  std::map<std::string, vectors::VectorStore> stores_;  // by fingerprint
  Counts counts_;
};

/// Scales each row to length 1, in place.
void normalize(const tensor::Tensor& vectors_ND);

/// The default folder of stored vectors: $XDG_CACHE_HOME/e5v/vectors, or ~/.cache/e5v/vectors.
std::filesystem::path default_store();

}  // namespace e5v::eval
