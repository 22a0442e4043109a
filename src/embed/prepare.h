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

/// What preparation must know of the model.
struct ModelLimits {
  bool sees = false;             ///< takes images
  bool one_image = false;        ///< takes one image at a time
  std::int32_t image_token = 0;  ///< id of <image>
  std::int64_t vocabulary = 0;   ///< rows of the embedding table
  std::int64_t context = 0;      ///< most rows of a sequence
};

/// Encoded image files larger than this are refused before they are read.
constexpr std::uint64_t kMostFileBytes = std::uint64_t{1} << 30;

/// The prompt of an input, a name or a template: its own, else that of the run, else the one for what it holds. Throws
/// InvalidInput for an input that holds nothing.
std::string prompt_of(const Input& input, const std::string& run_prompt);

/// Whether alpha is dropped: automatic settled.
bool drops_alpha(const PrepareOptions& options);

/// Prompts, tokens and tiles: the path of an input up to the model, LLaVA-NeXT or what overrides its steps. It knows
/// the model's tokenizer and sizes, and none of its weights. Safe to use from several threads.
class Preparer {
 public:
  /// `preprocessing` is the fingerprint's part of that name: a hash of all that is prepared by.
  Preparer(text::Tokenizer tokenizer, text::ChatStyle style, const image::Preprocess& preprocess,
           const ModelLimits& limits, const PrepareOptions& options, std::string preprocessing);
  /// The same with a tokenizer that others share.
  Preparer(std::shared_ptr<const text::Tokenizer> tokenizer, text::ChatStyle style, const image::Preprocess& preprocess,
           const ModelLimits& limits, const PrepareOptions& options, std::string preprocessing);
  virtual ~Preparer() = default;

  /// `prompt` is for inputs that name none; empty: by what they hold (RunOptions::prompt). Throws InvalidInput for
  /// everything that is wrong with the input.
  PreparedInput prepare(const Input& input, const std::string& prompt = "");

  /// The picture that an input names, upright unless the options say otherwise. Throws InvalidInput when it is none.
  image::Bitmap decode(const ImageSource& source) const;

  /// The hash of a prompt's template, given by name or as it is. Throws InvalidInput for a name that is unknown.
  std::shared_ptr<const std::string> prompt_hash(const std::string& name_or_template);
  const std::string& preprocessing() const { return preprocessing_; }

  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  const std::shared_ptr<const text::Tokenizer>& shared_tokenizer() const { return tokenizer_; }
  text::ChatStyle style() const { return style_; }
  const image::Preprocess& preprocess() const { return preprocess_; }
  const ModelLimits& limits() const { return limits_; }

 protected:
  /// The tokens of the filled prompt, with kImageSlot for each image; all rows that will stand in the place of these
  /// slots are so many more than the slots.
  virtual std::vector<std::int32_t> encode(const text::Prompt& prompt, const Input& input,
                                           std::int64_t more_rows) const;
  virtual model::PreparedImage cut(const image::Bitmap& bitmap) const;
  /// Lists positions and has the symbols point to them, for models whose positions are not those by depth.
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
  // The last few: each item may bring its own.
  std::map<std::string, KnownPrompt, std::less<>> prompts_;
  std::map<Hash128, std::weak_ptr<const model::PreparedImage>> images_;  // those still in use somewhere
};

}  // namespace e5v::embed
