#pragma once
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/vocabulary.h"

namespace e5v::text {

/// A parsed tokenizer.json. model.vocab and model.merges are nearly the whole file. They are taken out of the document
/// during the parsing, because a JSON tree of them would cost more time than the rest of loading.
struct TokenizerJson {
  Json document;             ///< with model.vocab and model.merges left empty
  Vocabulary vocabulary;     ///< model.vocab
  std::vector<Json> merges;  ///< the elements of model.merges, in the form of the file
};

/// Throws ModelError, which begins with `origin`, when the text is not JSON or the vocabulary is malformed.
TokenizerJson parse_tokenizer_json(std::string_view text, std::string_view origin);

}  // namespace e5v::text
