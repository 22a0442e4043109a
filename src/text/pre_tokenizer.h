#pragma once
#include <functional>
#include <string_view>
#include <vector>

#include "text/section.h"

namespace e5v::text {

/// A part of a text between added tokens.
struct Piece {
  std::string_view text;
  bool at_text_start = false;  ///< it begins at the beginning of the whole text
};

/// Receives the pieces of a text in order. The views are valid only during the call.
using PieceSink = std::function<void(Piece)>;

/// Splits a text into pieces, within which the model merges: Split, ByteLevel, Metaspace, Whitespace, WhitespaceSplit,
/// Digits, Punctuation, and sequences of them. Immutable.
class PreTokenizer {
 public:
  using Step = std::function<void(Piece, const PieceSink&)>;

  /// Leaves a text as one piece.
  PreTokenizer() = default;

  /// `document` is the whole tokenizer.json. Throws ModelError when its pre_tokenizer is malformed or of another type.
  explicit PreTokenizer(const Section& document);

  /// Passes the pieces, none of them empty, to the sink.
  void apply(Piece piece, const PieceSink& sink) const { apply_from(0, piece, sink); }

 private:
  void add(const Section& section, int depth);
  void apply_from(std::size_t step, Piece piece, const PieceSink& sink) const;

  std::vector<Step> steps_;
  bool has_byte_level_ = false;
};

}  // namespace e5v::text
