#pragma once
#include "embed/clip_prepare.h"
#include "embed/engine.h"
#include "model/clip.h"

namespace e5v::embed {

/// CLIP: of a batch, the texts go through one tower as a prefix forest, the different images through the other.
class ClipEngine : public Engine {
 public:
  ClipEngine(const std::filesystem::path& folder, const EmbedderOptions& options);

  Preparer& preparer() override { return *preparer_; }
  std::int64_t width() const override { return config_.projection; }
  void compute(std::span<const PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena& arena) const override;
  std::optional<std::string> first_non_finite() const override { return checkpoint_.first_non_finite(); }
  tensor::Place place() const override { return checkpoint_.place(); }
  std::int64_t owned_bytes() const override { return model_.owned_bytes(); }

 private:
  void compute_texts(std::span<const PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena& arena) const;
  void compute_images(std::span<const PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena& arena) const;

  model::ClipModelConfig config_;
  model::Checkpoint checkpoint_;
  nn::Precision precision_;
  std::unique_ptr<ClipPreparer> preparer_;
  model::Clip model_;
};

}  // namespace e5v::embed
