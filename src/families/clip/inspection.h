#pragma once
#include <filesystem>
#include <string>

#include "e5v/options.h"
#include "families/inspection.h"
#include "model/config_clip.h"

namespace e5v::families {

class ClipInspection : public Inspection {
 public:
  ClipInspection(const std::filesystem::path& folder, const PrepareOptions& prepare);

  bool sees() const override { return true; }
  std::string config() const override;
  std::string tensors(const model::Checkpoint& checkpoint) const override;
  std::string tokenizer() const override;
  std::string preprocess() const override;
  Description describe(const model::Checkpoint& checkpoint, const RunPlan& plan) const override;

 private:
  std::filesystem::path folder_;
  PrepareOptions prepare_;
  model::ClipModelConfig config_;
};

}  // namespace e5v::families
