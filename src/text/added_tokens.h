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

/// A token that is cut out of the text before the model reads it.
struct AddedToken {
  std::string content;
  std::int32_t id = 0;
  bool special = false;      ///< decode() can leave it out
  bool normalized = false;   ///< its normalised form is searched in the normalised text
  bool lstrip = false;       ///< includes the white space before it
  bool rstrip = false;       ///< includes the white space after it
  bool single_word = false;  ///< matches only without adjacent word characters
};

/// The added tokens of a tokenizer.json, and the search for them in a text. It finds the leftmost token, and of those
/// with the same beginning the longest.
class AddedTokens {
 public:
  AddedTokens() = default;

  /// `document` is the whole tokenizer.json. Throws ModelError when its added_tokens are malformed, or use an id or a
  /// content that has another meaning in `model`.
  AddedTokens(const Section& document, const Vocabulary& model, const Normalizer& normalizer);

  /// Adds a token. Throws ModelError, which begins with `where`, when its content or id is taken.
  void add(AddedToken token, const Vocabulary& model, const Normalizer& normalizer, std::string_view where);

  /// Receives the parts of a text in order: the id of an added token, or the text between two tokens, which is not
  /// empty.
  using Sink = std::function<void(std::string_view stretch, std::optional<std::int32_t> id)>;

  /// Splits a text at the tokens that are searched before (normalized false) or after (true) normalisation.
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
