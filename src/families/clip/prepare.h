#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "embed/prepare.h"
#include "model/config_clip.h"

namespace e5v::families {

/// The path of an input to CLIP. A text becomes its tokens up to the one with the text's hidden state, cut at the
/// model's context. Of an image the middle is taken; its rows are those of the tower: the class token, then the
/// patches.
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

/// The image preprocessing of a CLIP folder; without a file, the model's own size. Throws ModelError.
image::Preprocess read_clip_preprocess(const std::filesystem::path& folder, const model::ClipModelConfig& config);

/// Reads tokenizer.json and checks it against the config.
text::Tokenizer read_clip_tokenizer(const std::filesystem::path& folder, const model::ClipTextConfig& config);

/// The fields of the config that vectors depend on in addition to the weights' shapes.
std::string config_text(const model::ClipModelConfig& config);

/// Makes the preparer of a folder, without reading its weights. It shares the tokenizer of `sibling`, a preparer of the
/// same folder. Null: the tokenizer is read.
std::unique_ptr<ClipPreparer> make_clip_preparer(const std::filesystem::path& folder,
                                                 const model::ClipModelConfig& config, const PrepareOptions& options,
                                                 const embed::Preparer* sibling = nullptr);

}  // namespace e5v::families
