#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/merge_table.h"
#include "text/section.h"
#include "text/vocabulary.h"

namespace e5v::text {

/// The model of a tokenizer.json: byte pair encoding. A piece starts as its characters; the pair of neighbours whose
/// merge has the lowest rank (the leftmost of equals) is merged until none is left. Immutable.
class Bpe {
 public:
  /// Memory that encode() works in, reusable from piece to piece.
  struct Scratch {
    struct Symbol {
      std::int32_t id, previous, next;  // neighbours by index, -1 at the ends; id -1 once merged into its neighbour
    };
    struct Candidate {
      std::int32_t rank, position, id;  // the pair whose left half is symbol `position` becomes `id`
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> queue;
  };

  Bpe() = default;

  /// `section` is the file's "model", whose vocab and merges come apart from it. Throws ModelError when they are
  /// malformed or use what is not supported: another type, dropout, prefixes of subwords.
  Bpe(const Section& section, Vocabulary vocabulary, const std::vector<Json>& merges);

  /// Appends the ids of a piece of at most 2^31 - 1 bytes. O(n log n) in its length. Its last character carries the
  /// file's end_of_word_suffix (CLIP's "</w>"). A character that the vocabulary lacks becomes its bytes' tokens
  /// (byte_fallback), or unk_token, or, in files without either, nothing.
  void encode(std::string_view piece, std::vector<std::int32_t>& ids, Scratch& scratch) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }

  /// Characters without a token of their own are spelled in tokens of the form <0xE2>.
  bool byte_fallback() const { return byte_fallback_; }

 private:
  void read_options(const Section& section);
  void find_single_characters();
  void read_merges(const std::vector<Json>& merges, const Section& section);
  std::int32_t id_of_character(char32_t value, std::string_view character) const;
  std::int32_t id_of_last(std::string_view character) const;
  void split_into_symbols(std::string_view piece, std::vector<Scratch::Symbol>& symbols) const;
  void push_candidate(std::int32_t left, Scratch& scratch) const;
  void merge(Scratch& scratch) const;

  Vocabulary vocabulary_;
  MergeTable merges_;
  std::vector<std::int32_t> character_ids_;   // of the first code points, -1 where there is no token
  std::array<std::int32_t, 256> byte_ids_{};  // of "<0x00>" to "<0xFF>", -1 where there is no token
  std::string word_end_;                      // stands behind the last character of a piece
  std::optional<std::int32_t> unknown_id_;
  bool fuse_unknown_ = false, byte_fallback_ = false, ignore_merges_ = false;
};

}  // namespace e5v::text
