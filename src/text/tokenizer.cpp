#include "text/tokenizer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "text/tokenizer_json.h"

namespace e5v::text {
namespace {

// Positions inside a piece have 32 bits, and earlier steps may write several bytes for one.
constexpr std::size_t kLongestText = std::size_t{1} << 28;

}  // namespace

Tokenizer Tokenizer::from_file(const std::filesystem::path& tokenizer_json) {
  std::string content;
  try {
    content = read_file(tokenizer_json);
  } catch (const InvalidInput& error) {
    throw ModelError(error.what());
  }
  return from_json(content, tokenizer_json.string());
}

Tokenizer Tokenizer::from_json(std::string_view json, std::string_view origin) try {
  TokenizerJson content = parse_tokenizer_json(json, origin);
  const Section document(content.document, origin);
  Tokenizer tokenizer;
  tokenizer.model_ = Bpe(document.at("model"), std::move(content.vocabulary), content.merges);
  tokenizer.normalizer_ = Normalizer(document);
  tokenizer.pre_tokenizer_ = PreTokenizer(document);
  tokenizer.added_ = AddedTokens(document, tokenizer.model_.vocabulary(), tokenizer.normalizer_);
  tokenizer.frame_ = read_special_frame(document);
  tokenizer.decoder_ = Decoder(document);
  return tokenizer;
} catch (const InvalidInput& error) {
  throw ModelError(error.what());  // a pattern exceeds its limits on one of the file's own tokens
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  require(text.size() <= kLongestText, "[tokenizer] a text has {} bytes, more than the limit of {}", text.size(),
          kLongestText);
  require(is_valid_utf8(text), "[tokenizer] a text of {} bytes is not UTF-8", text.size());
  std::vector<std::int32_t> ids;
  Bpe::Scratch scratch;
  if (add_special_tokens) ids = frame_.before;

  const auto encode_piece = [&](Piece piece) { model_.encode(piece.text, ids, scratch); };
  const auto encode_stretch = [&](std::string_view stretch) {
    const Normalized normalized = normalizer_.apply(stretch);
    const bool at_text_start = stretch.data() == text.data() && normalized.front_kept;
    added_.split(normalized.text, true, [&](std::string_view part, std::optional<std::int32_t> id) {
      if (id) return ids.push_back(*id);
      pre_tokenizer_.apply({part, at_text_start && part.data() == normalized.text.data()}, encode_piece);
    });
  };
  added_.split(text, false, [&](std::string_view part, std::optional<std::int32_t> id) {
    if (id) return ids.push_back(*id);
    encode_stretch(part);
  });

  if (add_special_tokens) ids.insert(ids.end(), frame_.after.begin(), frame_.after.end());
  return ids;
}

std::vector<std::int32_t> Tokenizer::encode_truncated(std::string_view text, std::int64_t max_tokens) const {
  const auto special = static_cast<std::int64_t>(frame_.before.size() + frame_.after.size());
  require(special <= max_tokens, "[tokenizer] a text has {} special tokens, more than the limit of {} tokens", special,
          max_tokens);
  std::vector<std::int32_t> ids = encode(text, false);
  if (static_cast<std::int64_t>(ids.size()) > max_tokens - special)
    ids.resize(static_cast<std::size_t>(max_tokens - special));
  ids.insert(ids.begin(), frame_.before.begin(), frame_.before.end());
  ids.insert(ids.end(), frame_.after.begin(), frame_.after.end());
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, DecodeOptions options) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const std::int32_t id : ids) {
    const auto token = token_of(id);
    if (!token || (options.skip_special_tokens && added_.is_special(id))) continue;
    tokens.emplace_back(*token);
  }
  std::string text = decoder_.apply(std::move(tokens));
  return options.clean_up_spaces ? clean_up_spaces(std::move(text)) : text;
}

std::string Tokenizer::piece(std::int32_t id) const {
  const auto token = token_of(id);
  require(token.has_value(), "[tokenizer] the id {} names no token; ids go up to {}", id, size() - 1);
  return std::string(*token);
}

std::optional<std::int32_t> Tokenizer::id_of(std::string_view token) const {
  const auto added = added_.vocabulary().id_of(token);
  return added ? added : model_.vocabulary().id_of(token);
}

std::int64_t Tokenizer::size() const { return std::max(added_.vocabulary().size(), model_.vocabulary().size()); }

void Tokenizer::ensure_added_token(std::string_view content, std::int32_t id) {
  require<ModelError>(id >= 0 && id <= kMaxTokenId, "[tokenizer] the id {} of {} is outside [0, {}]", id,
                      shown(content), kMaxTokenId);
  if (added_.vocabulary().id_of(content)) return;
  const std::int32_t known = model_.vocabulary().id_of(content).value_or(id);
  added_.add({.content = std::string(content), .id = known}, model_.vocabulary(), normalizer_,
             "[tokenizer] the caller");
}

std::optional<std::string_view> Tokenizer::token_of(std::int32_t id) const {
  const auto added = added_.vocabulary().token_of(id);
  return added ? added : model_.vocabulary().token_of(id);
}

}  // namespace e5v::text
