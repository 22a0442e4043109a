#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "embed/prepare.h"
#include "model/config_clip.h"

namespace e5v::families {

/// The path of an input up to CLIP: a text's tokens up to the one whose hidden state is its vector, cut at the model's
/// context; an image's middle, whose rows are the tower's: the class token, then the patches.
class ClipPreparer : public embed::Preparer {
 public:
  ClipPreparer(std::shared_ptr<const text::Tokenizer> tokenizer, const image::Preprocess& preprocess,
               const model::ClipTextConfig& config, const PrepareOptions& options, std::string preprocessing);

 protected:
  std::vector<std::int32_t> encode(const text::Prompt& prompt, const Input& input,
                                   std::int64_t more_rows) const override;
  model::PreparedImage cut(const image::Bitmap& bitmap) const override;

 private:
  std::optional<std::int32_t> end_token_;
};

/// The image preprocessing of a CLIP folder; without a file the model's own size. Throws ModelError.
image::Preprocess read_clip_preprocess(const std::filesystem::path& folder, const model::ClipModelConfig& config);

/// tokenizer.json, checked against the config.
text::Tokenizer read_clip_tokenizer(const std::filesystem::path& folder, const model::ClipTextConfig& config);

/// Everything in the config that the numbers depend on beyond the weights' shapes.
std::string config_text(const model::ClipModelConfig& config);

/// The path from inputs to the model. The weights are not looked at. `sibling` is a preparer of the same folder, whose
/// tokenizer is shared; null: it is read.
std::unique_ptr<ClipPreparer> make_clip_preparer(const std::filesystem::path& folder,
                                                 const model::ClipModelConfig& config, const PrepareOptions& options,
                                                 const embed::Preparer* sibling = nullptr);

}  // namespace e5v::families
