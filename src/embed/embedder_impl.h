#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "e5v/embedder.h"
#include "embed/batch.h"
#include "embed/prepare.h"
#include "model/adapter.h"
#include "model/checkpoint.h"
#include "model/llava_next.h"

namespace e5v {

/// What stands behind an Embedder.
struct Embedder::Impl {
  Impl(const std::filesystem::path& folder, const EmbedderOptions& options);

  void stream(const Stream& stream);

  EmbedderOptions options;
  model::ModelConfig config;
  model::Checkpoint checkpoint;
  nn::Precision precision;
  embed::Preparer preparer;
  model::LlavaNext model;
  std::optional<model::Adapter> adapter;  // attached to the model
  tensor::Arena arena;
  std::mutex mutex;  // one stream at a time
};

}  // namespace e5v
