#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/hash.h"
#include "e5v/input.h"
#include "e5v/options.h"
#include "embed/prepared_input.h"
#include "image/preprocess.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

namespace e5v::embed {

/// What preparation needs to know about the model.
struct ModelLimits {
  bool sees = false;             ///< takes images
  bool one_image = false;        ///< takes one image at a time
  std::int32_t image_token = 0;  ///< id of <image>
  std::int64_t vocabulary = 0;   ///< rows of the embedding table
  std::int64_t context = 0;      ///< maximum rows of a sequence
};

/// The maximum size of an encoded image file. Larger files are refused before they are read.
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 30;

/// The prompt of an input, a name or a template: its own, or that of the run, or the default for its content. Throws
/// InvalidInput for an empty input.
std::string prompt_of(const Input& input, const std::string& run_prompt);

/// Whether alpha is dropped. The automatic choice is resolved here.
bool drops_alpha(const PrepareOptions& options);

/// Prepares prompts, tokens and tiles: the path of an input to LLaVA-NeXT. Preparers of other families override its
/// steps. It knows the model's tokenizer and sizes, but not its weights. Several threads may use it.
class Preparer {
 public:
  /// `preprocessing` is the preprocessing's part of the fingerprint: a hash of everything that preparation depends on.
  Preparer(text::Tokenizer tokenizer, text::ChatStyle style, const image::Preprocess& preprocess,
           const ModelLimits& limits, const PrepareOptions& options, std::string preprocessing);
  /// The same with a shared tokenizer.
  Preparer(std::shared_ptr<const text::Tokenizer> tokenizer, text::ChatStyle style, const image::Preprocess& preprocess,
           const ModelLimits& limits, const PrepareOptions& options, std::string preprocessing);
  virtual ~Preparer() = default;

  /// `prompt` is for inputs without a prompt. Empty: it depends on their content (RunOptions::prompt). Throws
  /// InvalidInput for every fault of the input.
  PreparedInput prepare(const Input& input, const std::string& prompt = "");

  /// Decodes the image of an input. It is turned upright unless the options say otherwise. Throws InvalidInput when it
  /// is no image.
  image::Bitmap decode(const ImageSource& source) const;

  /// The hash of a prompt's template, given by name or as the template. Throws InvalidInput for an unknown name.
  std::shared_ptr<const std::string> prompt_hash(const std::string& name_or_template);
  const std::string& preprocessing() const { return preprocessing_; }

  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  const std::shared_ptr<const text::Tokenizer>& shared_tokenizer() const { return tokenizer_; }
  text::ChatStyle style() const { return style_; }
  const image::Preprocess& preprocess() const { return preprocess_; }
  const ModelLimits& limits() const { return limits_; }

 protected:
  /// The tokens of the filled prompt, with kImageSlot for each image. The last argument is the number of rows that
  /// images add beyond their slots.
  virtual std::vector<std::int32_t> encode(const text::Prompt& prompt, const Input& input,
                                           std::int64_t more_rows) const;
  virtual model::PreparedImage cut(const image::Bitmap& bitmap) const;
  /// Lists positions and makes the symbols point to them, for models with positions other than depths.
  virtual void place(PreparedInput&) const {}

 private:
  struct KnownPrompt {
    text::Prompt prompt;
    std::shared_ptr<const std::string> hash;
  };
  KnownPrompt known_prompt(const std::string& name_or_template);
  std::vector<std::int32_t> encode_filled(const std::string& filled, std::int64_t images) const;
  InputImage prepare_image(const ImageSource& source);

  std::shared_ptr<const text::Tokenizer> tokenizer_;
  text::ChatStyle style_;
  image::Preprocess preprocess_;
  ModelLimits limits_;
  PrepareOptions options_;
  std::string preprocessing_;

  std::mutex mutex_;  // of the members below
  // The last few prompts, because each item may have its own.
  std::map<std::string, KnownPrompt, std::less<>> prompts_;
  std::map<Hash128, std::weak_ptr<const model::PreparedImage>> images_;  // images that are still in use
};

}  // namespace e5v::embed
