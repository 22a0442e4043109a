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

/// The model of a tokenizer.json: byte pair encoding. A piece begins as its characters. The adjacent pair with the
/// lowest rank of its merge (the leftmost of equals) is merged, until there is none. Immutable.
class Bpe {
 public:
  /// The memory of encode(), which can be reused.
  struct Scratch {
    struct Symbol {
      std::int32_t id, previous,
          next;  // indices of neighbours, -1 at the ends; id is -1 after a merge into the neighbour
    };
    struct Candidate {
      std::int32_t rank, position, id;  // the pair that begins at symbol `position` becomes `id`
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> queue;
  };

  Bpe() = default;

  /// `section` is the file's "model"; its vocab and merges are passed separately. Throws ModelError when they are
  /// malformed, or use an unsupported feature: another type, dropout, prefixes of subwords.
  Bpe(const Section& section, Vocabulary vocabulary, const std::vector<Json>& merges);

  /// Appends the ids of a piece of at most 2^31 - 1 bytes, in O(n log n). The last character of the piece has the
  /// file's end_of_word_suffix (CLIP's "</w>"). A character that is not in the vocabulary becomes the tokens of its
  /// bytes (byte_fallback), or unk_token, or nothing in files without either.
  void encode(std::string_view piece, std::vector<std::int32_t>& ids, Scratch& scratch) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }

  /// Whether characters without a token become tokens of the form <0xE2>.
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
  std::vector<std::int32_t> character_ids_;   // of the first code points; -1 without a token
  std::array<std::int32_t, 256> byte_ids_{};  // of "<0x00>" to "<0xFF>"; -1 without a token
  std::string word_end_;                      // follows the last character of a piece
  std::optional<std::int32_t> unknown_id_;
  bool fuse_unknown_ = false, byte_fallback_ = false, ignore_merges_ = false;
};

}  // namespace e5v::text
