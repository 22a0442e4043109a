#pragma once
#include <filesystem>

#include "embed/engine.h"
#include "model/adapter.h"
#include "model/checkpoint.h"
#include "model/llava_next.h"

namespace e5v::families {

/// LLaVA-NeXT, or a language model alone, with an adapter if there is one.
class LlavaNextEngine : public embed::Engine {
 public:
  LlavaNextEngine(const std::filesystem::path& folder, const LoadOptions& load);

  std::int64_t width() const override { return config_.text.width; }
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
  std::filesystem::path folder_;
  model::ModelConfig config_;
  model::Checkpoint checkpoint_;
  nn::Precision precision_;
  std::string weights_;
  model::LlavaNext model_;
  std::optional<model::Adapter> adapter_;  // attached to the model
};

}  // namespace e5v::families
