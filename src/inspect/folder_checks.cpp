#include "inspect/folder_checks.h"

#include "embed/clip_prepare.h"
#include "embed/loading.h"
#include "inspect/info.h"
#include "model/clip_text.h"
#include "model/clip_vit.h"
#include "model/llama.h"
#include "model/projector.h"
#include "model/unused_tensors.h"

namespace e5v::inspect {
namespace {

namespace fs = std::filesystem;

std::string unused_text(const std::vector<std::string>& names) {
  return names.empty() ? "" : fmt::format("; not used: {}", model::names_text(names));
}

class LlavaChecks : public FolderChecks {
 public:
  LlavaChecks(const fs::path& folder, const EmbedderOptions& options)
      : folder_(folder), options_(options), config_(model::read_config(folder)) {}

  bool sees() const override { return config_.vision.has_value(); }

  std::string config() const override {
    const std::string language = fmt::format("{} layers of width {}", config_.text.layers, config_.text.width);
    if (!sees()) return language + ", text only";
    return fmt::format("{}; vision tower of {} layers, width {}", language, config_.vision->layers,
                       config_.vision->width);
  }

  std::string tensors(const model::Checkpoint& checkpoint) const override {
    const auto language = model::LlamaWeights::from(checkpoint, config_.text);
    const std::string rest = unused_text(model::unused_tensors(checkpoint, config_));
    if (!sees()) return fmt::format("{} layers, complete{}", language.blocks.size(), rest);
    const auto tower = model::ClipWeights::from(checkpoint, *config_.vision, config_.vision_layers_used());
    const model::Projector projector(checkpoint, config_, nn::Precision::f32);
    checkpoint.tensor("image_newline", {config_.text.width});
    return fmt::format("{} language and {} vision layers, complete{}", language.blocks.size(), tower.blocks.size(),
                       rest);
  }

  std::string tokenizer() const override {
    const auto [tokenizer, style] = embed::read_any_tokenizer(folder_);
    return fmt::format("{} tokens, {} prompts", tokenizer.size(), name_of(style));
  }

  std::string preprocess() const override {
    const image::Preprocess preprocess = embed::read_preprocess(folder_, config_, options_);
    return fmt::format("tiles of {}, {} grids", preprocess.tile, preprocess.grid_pinpoints.size());
  }

 private:
  fs::path folder_;
  EmbedderOptions options_;
  model::ModelConfig config_;
};

class ClipChecks : public FolderChecks {
 public:
  explicit ClipChecks(const fs::path& folder) : folder_(folder), config_(model::read_clip_config(folder)) {}

  bool sees() const override { return true; }

  std::string config() const override {
    return fmt::format("CLIP: text tower of {} layers, width {}; vision tower of {} layers, width {}",
                       config_.text.layers, config_.text.width, config_.vision.layers, config_.vision.width);
  }

  std::string tensors(const model::Checkpoint& checkpoint) const override {
    const auto text = model::ClipTextWeights::from(checkpoint, config_.text);
    const auto vision = model::ClipWeights::from(checkpoint, config_.vision, config_.vision.layers, "vision_model.");
    model::NormWeights::from(checkpoint, "vision_model.post_layernorm", config_.vision.width);
    checkpoint.matrix("text_projection.weight", config_.projection, config_.text.width);
    checkpoint.matrix("visual_projection.weight", config_.projection, config_.vision.width);
    return fmt::format("{} text and {} vision layers, complete{}", text.blocks.size(), vision.blocks.size(),
                       unused_text(model::unused_tensors(checkpoint, config_)));
  }

  std::string tokenizer() const override {
    return fmt::format("{} tokens, no prompts", embed::read_clip_tokenizer(folder_, config_.text).size());
  }

  std::string preprocess() const override {
    const image::Preprocess preprocess = embed::read_clip_preprocess(folder_, config_);
    return fmt::format("{} {}, the middle {} of it", preprocess.squeezed ? "both edges" : "shorter edge",
                       preprocess.shortest_edge, preprocess.tile);
  }

 private:
  fs::path folder_;
  model::ClipModelConfig config_;
};

}  // namespace

std::unique_ptr<FolderChecks> folder_checks(const fs::path& folder, const EmbedderOptions& options) {
  if (model::is_clip(folder)) return std::make_unique<ClipChecks>(folder);
  return std::make_unique<LlavaChecks>(folder, options);
}

}  // namespace e5v::inspect
