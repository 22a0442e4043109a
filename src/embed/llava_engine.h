#pragma once
#include "embed/engine.h"
#include "model/adapter.h"
#include "model/checkpoint.h"
#include "model/llava_next.h"

namespace e5v::embed {

/// LLaVA-NeXT, or a language model alone, with an adapter if there is one.
class LlavaEngine : public Engine {
 public:
  LlavaEngine(const std::filesystem::path& folder, const EmbedderOptions& options);

  Preparer& preparer() override { return preparer_; }
  std::int64_t width() const override { return config_.text.width; }
  void compute(std::span<const PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena& arena) const override;
  std::optional<std::string> first_non_finite() const override { return checkpoint_.first_non_finite(); }
  tensor::Place place() const override { return checkpoint_.place(); }
  std::int64_t owned_bytes() const override { return model_.owned_bytes(); }

 private:
  model::ModelConfig config_;
  model::Checkpoint checkpoint_;
  nn::Precision precision_;
  Preparer preparer_;
  model::LlavaNext model_;
  std::optional<model::Adapter> adapter_;  // attached to the model
};

}  // namespace e5v::embed
