#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/special_frame.h"

namespace e5v::text {

struct DecodeOptions {
  bool skip_special_tokens = false;
  bool clean_up_spaces = false;  ///< transformers' clean_up_tokenization: " ." becomes "."
};

/// A Hugging Face tokenizer.json: byte-level BPE (Llama-3, CLIP) and BPE with byte fallback (Llama-2, Mistral), with
/// the file's own splitting pattern, added tokens and template. It computes the ids of the `tokenizers` library. The
/// file's truncation and padding are ignored. Movable; several threads may call const members at once.
class Tokenizer {
 public:
  /// Throws ModelError when the file is missing, malformed, or asks for something that is not supported.
  static Tokenizer from_file(const std::filesystem::path& tokenizer_json);

  /// The same from the file's content; `origin` names it in messages.
  static Tokenizer from_json(std::string_view json, std::string_view origin);

  /// The ids of a text, inside the special tokens of the file's template unless add_special_tokens is false. Throws
  /// InvalidInput when the text is not UTF-8, or exceeds the limit of steps for the file's pattern.
  std::vector<std::int32_t> encode(std::string_view text, bool add_special_tokens = true) const;

  /// encode() with the end of the text's own tokens cut off, so that at most `max_tokens` are left, including special
  /// ones. Throws InvalidInput when there are more special tokens. Source: transformers, truncation=True.
  std::vector<std::int32_t> encode_truncated(std::string_view text, std::int64_t max_tokens) const;

  /// The text of ids, always well-formed UTF-8. Ids without a token are left out.
  std::string decode(std::span<const std::int32_t> ids, DecodeOptions options = {}) const;

  /// The token as the vocabulary spells it ("Ġword"), for display. Throws InvalidInput for an id without a token.
  std::string piece(std::int32_t id) const;

  std::optional<std::int32_t> id_of(std::string_view token) const;

  /// The largest id + 1.
  std::int64_t size() const;

  /// Makes `content` a token with this id, which is cut out of the raw text and is not special. A token with that
  /// content that exists already keeps its id. Throws ModelError when the id belongs to another token or is out of
  /// range.
  void ensure_added_token(std::string_view content, std::int32_t id);

  /// Whether the model spells unknown characters as bytes (Llama-2, Mistral). It is then not byte-level as a whole.
  bool byte_fallback() const { return model_.byte_fallback(); }

 private:
  Tokenizer() = default;
  std::optional<std::string_view> token_of(std::int32_t id) const;

  Bpe model_;
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  AddedTokens added_;
  SpecialFrame frame_;
  Decoder decoder_;
};

}  // namespace e5v::text
