#pragma once
#include <filesystem>
#include <memory>
#include <mutex>

#include "e5v/embedder.h"
#include "embed/engine.h"
#include "embed/executor.h"
#include "embed/ordered_stream.h"

namespace e5v {

/// What stands behind an Embedder.
struct Embedder::Impl {
  Impl(const std::filesystem::path& folder, const EmbedderOptions& options);

  void stream(const Stream& stream, const embed::StreamHooks& hooks);

  EmbedderOptions options;
  std::unique_ptr<embed::Engine> engine;
  embed::Executor executor;
  std::mutex mutex;  // one stream at a time
};

}  // namespace e5v
