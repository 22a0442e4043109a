#pragma once
#include <filesystem>
#include <string>

#include "e5v/embedder.h"

namespace e5v::test {

/// Everything that can be chosen about a model.
struct ModelOptions : LoadOptions, PrepareOptions, RunOptions {};

/// An embedder, and the options that all calls to it are given.
class Model {
 public:
  explicit Model(const std::filesystem::path& folder, const ModelOptions& options = {})
      : options_(options), embedder_(Embedder::load(folder, options)) {}

  Embeddings embed(std::span<const Input> inputs) const { return embedder_.embed(inputs, options_, options_); }
  void stream(const Stream& stream) const { embedder_.stream(stream, options_, options_); }
  Fingerprint fingerprint(const std::string& prompt) const {
    RunOptions run = options_;
    run.prompt = prompt;
    return embedder_.fingerprint(run, options_);
  }
  const Embedder& embedder() const { return embedder_; }
  Embedder::Impl& impl() const { return embedder_.impl(); }

 private:
  ModelOptions options_;
  Embedder embedder_;
};

}  // namespace e5v::test
