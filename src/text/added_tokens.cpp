#include "text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "text/regex.h"

namespace e5v::text {
namespace {

// The search for tokens costs at most the length of the longest one for each byte of the text.
constexpr std::size_t kLongestContent = 1024;

bool is_word_character(std::string_view text, std::size_t at) {
  static const Regex word(R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}])", "[tokenizer] the class of words");
  return !word.find_all(text.substr(at, code_point_at(text, at).length)).empty();
}

void require_short(std::string_view content, std::string_view where) {
  require<ModelError>(content.size() <= kLongestContent, "{} is {} with {} bytes, more than the limit of {}", where,
                      shown(content), content.size(), kLongestContent);
}

}  // namespace

AddedTokens::AddedTokens(const Section& document, const Vocabulary& model, const Normalizer& normalizer) {
  if (!document.has("added_tokens")) return;
  for (const Section& section : document.items("added_tokens")) {
    const bool special = section.flag("special", false);
    add({.content = section.text("content"),
         .id = section.at("id").id(),
         .special = special,
         .normalized = section.flag("normalized", !special),
         .lstrip = section.flag("lstrip", false),
         .rstrip = section.flag("rstrip", false),
         .single_word = section.flag("single_word", false)},
        model, normalizer, section.where());
  }
}

void AddedTokens::add(AddedToken token, const Vocabulary& model, const Normalizer& normalizer, std::string_view where) {
  if (token.content.empty()) return;  // an empty token matches nothing
  require_short(token.content, where);
  const auto at_id = model.token_of(token.id);
  require<ModelError>(!at_id || *at_id == token.content, "{} gives the id {} to {}, which is {} in the model", where,
                      token.id, shown(token.content), shown(at_id.value_or("")));
  const std::int32_t model_id = model.id_of(token.content).value_or(token.id);
  require<ModelError>(model_id == token.id, "{} gives the id {} to {}, which has the id {} in the model", where,
                      token.id, shown(token.content), model_id);
  vocabulary_.add(token.content, token.id, where);
  const auto index = static_cast<std::int32_t>(tokens_.size());
  const std::string looked_for = token.normalized ? normalizer.apply(token.content).text : token.content;
  require_short(looked_for, where);
  if (!looked_for.empty()) (token.normalized ? normalized_ : plain_).insert(looked_for, index);
  if (token.special) {
    special_ids_.insert(std::upper_bound(special_ids_.begin(), special_ids_.end(), token.id), token.id);
  }
  tokens_.push_back(std::move(token));
}

bool AddedTokens::is_special(std::int32_t id) const {
  return std::binary_search(special_ids_.begin(), special_ids_.end(), id);
}

bool AddedTokens::stands_alone(std::string_view text, std::size_t begin, std::size_t end) const {
  const bool word_before = begin > 0 && is_word_character(text, previous_code_point(text, begin));
  const bool word_after = end < text.size() && is_word_character(text, end);
  return !word_before && !word_after;
}

void AddedTokens::split(std::string_view text, bool normalized, const Sink& sink) const {
  const TokenTrie& trie = normalized ? normalized_ : plain_;
  std::size_t done = 0;  // everything before it has gone to the sink
  std::size_t from = 0;  // where the search continues; before `done` when the last token took white space
  std::size_t space_begin = 0, space_end = 0;  // the last white space after a token
  while (const auto found = trie.find(text, from)) {
    from = found->end;
    const AddedToken& token = tokens_[static_cast<std::size_t>(found->value)];
    if (token.single_word && !stands_alone(text, found->begin, found->end)) continue;
    const std::size_t begin =
        token.lstrip ? skip_white_space_back(text, found->begin, std::min(done, found->begin)) : found->begin;
    std::size_t end = found->end;
    if (token.rstrip) {
      // Without this check, each token inside a long white space would walk to its end.
      const bool is_known = space_begin <= end && end < space_end;
      if (!is_known) space_begin = end, space_end = skip_white_space(text, end);
      end = space_end;
    }
    if (done < begin) sink(text.substr(done, begin - done), std::nullopt);
    sink({}, token.id);
    done = end;
  }
  if (done < text.size()) sink(text.substr(done), std::nullopt);
}

}  // namespace e5v::text
