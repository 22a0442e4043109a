#pragma once
#include <filesystem>
#include <string>

#include "e5v/options.h"
#include "families/inspection.h"
#include "model/config.h"

namespace e5v::families {

class LlavaNextInspection : public Inspection {
 public:
  LlavaNextInspection(const std::filesystem::path& folder, const LoadOptions& load, const PrepareOptions& prepare);

  bool sees() const override { return config_.vision.has_value(); }
  std::string config() const override;
  std::string tensors(const model::Checkpoint& checkpoint) const override;
  std::string tokenizer() const override;
  std::string preprocess() const override;
  Description describe(const model::Checkpoint& checkpoint, const RunPlan& plan) const override;

 private:
  std::filesystem::path folder_, adapter_;
  PrepareOptions prepare_;
  model::ModelConfig config_;
};

}  // namespace e5v::families
