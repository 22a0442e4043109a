#pragma once
#include <functional>
#include <string>
#include <vector>

#include "text/section.h"

namespace e5v::text {

/// Turns tokens into text: ByteLevel, ByteFallback, Replace, Fuse, Strip, Metaspace, and sequences of them. Immutable.
class Decoder {
 public:
  /// A step that rewrites the list of tokens, which may have at most max_bytes in total.
  using Step = std::function<void(std::vector<std::string>& tokens, std::size_t max_bytes)>;

  /// Joins the tokens with blanks.
  Decoder() = default;

  /// `document` is the whole tokenizer.json. Throws ModelError when its decoder is malformed or of another type.
  explicit Decoder(const Section& document);

  /// The text. Bytes that are no UTF-8 become U+FFFD.
  std::string apply(std::vector<std::string> tokens) const;

 private:
  void add(const Section& section, int depth);

  std::vector<Step> steps_;
  bool joins_with_blanks_ = true;
};

/// Removes the blanks that older tokenizers put before punctuation and English contractions. Source: transformers,
/// PreTrainedTokenizerBase.clean_up_tokenization.
std::string clean_up_spaces(std::string text);

}  // namespace e5v::text
