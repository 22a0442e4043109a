#pragma once
#include "embed/engine.h"
#include "families/clip/prepare.h"
#include "model/checkpoint.h"
#include "model/clip.h"

namespace e5v::families {

/// CLIP. The texts of a batch go through one tower as a prefix forest, its different images through the other tower.
class ClipEngine : public embed::Engine {
 public:
  ClipEngine(const std::filesystem::path& folder, const LoadOptions& load);

  std::int64_t width() const override { return config_.projection; }
  tensor::Place place() const override { return checkpoint_.place(); }
  nn::Precision precision() const override { return precision_; }
  std::string weights() const override { return weights_; }
  void compute(std::span<const embed::PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena& arena) const override;
  std::optional<std::string> first_non_finite() const override { return checkpoint_.first_non_finite(); }
  std::int64_t owned_bytes() const override { return model_.owned_bytes(); }

 protected:
  std::unique_ptr<embed::Preparer> make_preparer(const PrepareOptions& options,
                                                 const embed::Preparer* sibling) const override;

 private:
  void compute_texts(std::span<const embed::PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena& arena) const;
  void compute_images(std::span<const embed::PreparedInput> inputs, tensor::Matrix y_SD, tensor::Arena& arena) const;

  std::filesystem::path folder_;
  model::ClipModelConfig config_;
  model::Checkpoint checkpoint_;
  nn::Precision precision_;
  std::string weights_;
  model::Clip model_;
};

}  // namespace e5v::families
