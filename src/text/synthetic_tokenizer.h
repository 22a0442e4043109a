#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace e5v::text {

/// A tokenizer.json for models of random weights: byte-level BPE with Llama 3's splitting pattern and special tokens.
/// It knows a few hundred frequent English words and joins common letters of others, so that captions have about as
/// many tokens as with a learned vocabulary. In a large vocabulary the special tokens have Llama 3's ids (128000 ...).
/// Otherwise they have the same distances below the end of the vocabulary or below <image>. There is an <image> if
/// `image_token`, its id, is given; the id may lie beyond the vocabulary. Throws InvalidInput when the vocabulary has
/// less than 300 tokens or <image> is among its bytes.
std::string synthetic_tokenizer_json(std::int64_t vocabulary, std::optional<std::int64_t> image_token);

}  // namespace e5v::text
