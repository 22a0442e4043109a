#pragma once
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/vocabulary.h"

namespace e5v::text {

/// A parsed tokenizer.json. Nearly all of the file is model.vocab and model.merges; they are taken out of the document
/// while it is parsed, since a JSON tree of them costs more time than all the rest of loading.
struct TokenizerJson {
  Json document;             ///< with model.vocab and model.merges left empty
  Vocabulary vocabulary;     ///< model.vocab
  std::vector<Json> merges;  ///< the elements of model.merges, as they stand in the file
};

/// Throws ModelError, led by `origin`, when the text is not JSON or the vocabulary is malformed.
TokenizerJson parse_tokenizer_json(std::string_view text, std::string_view origin);

}  // namespace e5v::text
