#pragma once
#include <filesystem>
#include <memory>
#include <mutex>

#include "e5v/embedder.h"
#include "embed/engine.h"

namespace e5v {

/// What stands behind an Embedder.
struct Embedder::Impl {
  Impl(const std::filesystem::path& folder, const EmbedderOptions& options);

  void stream(const Stream& stream);

  EmbedderOptions options;
  std::unique_ptr<embed::Engine> engine;
  tensor::Arena arena;    // on the engine's device
  tensor::Arena vectors;  // on the host: those of a batch that is computed elsewhere
  std::mutex mutex;       // one stream at a time
};

}  // namespace e5v
