#pragma once
#include <functional>
#include <string_view>
#include <vector>

#include "text/section.h"

namespace e5v::text {

/// A stretch of text between added tokens, on its way to the model.
struct Piece {
  std::string_view text;
  bool at_text_start = false;  ///< it begins where the whole text began
};

/// Receives the pieces of a text in order; the views live only during the call.
using PieceSink = std::function<void(Piece)>;

/// Cuts a text into the pieces that the model merges separately: Split, ByteLevel, Metaspace, Whitespace,
/// WhitespaceSplit, Digits, Punctuation, and sequences of them. Immutable.
class PreTokenizer {
 public:
  using Step = std::function<void(Piece, const PieceSink&)>;

  /// Leaves texts in one piece.
  PreTokenizer() = default;

  /// `document` is the whole tokenizer.json. Throws ModelError when its pre_tokenizer is malformed or of another kind.
  explicit PreTokenizer(const Section& document);

  /// Hands the pieces, none of them empty, to the sink.
  void apply(Piece piece, const PieceSink& sink) const { apply_from(0, piece, sink); }

 private:
  void add(const Section& section, int depth);
  void apply_from(std::size_t step, Piece piece, const PieceSink& sink) const;

  std::vector<Step> steps_;
  bool has_byte_level_ = false;
};

}  // namespace e5v::text
