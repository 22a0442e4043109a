#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/normalizer.h"
#include "text/section.h"
#include "text/token_trie.h"
#include "text/vocabulary.h"

namespace e5v::text {

/// A token that is cut out of the text before the model sees it.
struct AddedToken {
  std::string content;
  std::int32_t id = 0;
  bool special = false;      ///< left out by decode() on request
  bool normalized = false;   ///< looked for in the normalised text, in its normalised form
  bool lstrip = false;       ///< takes the white space before it, too
  bool rstrip = false;       ///< takes the white space behind it, too
  bool single_word = false;  ///< counts only where no word character touches it
};

/// The added tokens of a tokenizer.json, and how they are found in a text: leftmost first, and of those that begin at
/// one place the longest.
class AddedTokens {
 public:
  AddedTokens() = default;

  /// `document` is the whole tokenizer.json. Throws ModelError when its added_tokens are malformed, or give an id or a
  /// content that `model` knows another meaning.
  AddedTokens(const Section& document, const Vocabulary& model, const Normalizer& normalizer);

  /// Adds a token. Throws ModelError, led by `where`, when its content or id is taken.
  void add(AddedToken token, const Vocabulary& model, const Normalizer& normalizer, std::string_view where);

  /// Receives the parts of a text in order: an added token's id, or a stretch of text between them, which is not empty.
  using Sink = std::function<void(std::string_view stretch, std::optional<std::int32_t> id)>;

  /// Cuts a text at the tokens that are looked for before (normalized false) or after (true) normalisation.
  void split(std::string_view text, bool normalized, const Sink& sink) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  bool is_special(std::int32_t id) const;

 private:
  bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) const;

  std::vector<AddedToken> tokens_;
  Vocabulary vocabulary_;
  std::vector<std::int32_t> special_ids_;  // sorted
  TokenTrie plain_, normalized_;           // content -> index in tokens_
};

}  // namespace e5v::text
