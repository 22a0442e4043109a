#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace e5v::text {

/// Tokens and their ids, both ways. Each token has one id and each id at most one token.
/// One string holds all tokens and a table with linear probing finds them: a node-based map of 128k strings would take
/// several times as long to fill, and most of the time to load a tokenizer.
class Vocabulary {
 public:
  /// Adds a token; id in [0, kMaxTokenId]. Throws ModelError, led by `where`, when the token or the id is taken
  /// already.
  void add(std::string_view token, std::int32_t id, std::string_view where);

  std::optional<std::int32_t> id_of(std::string_view token) const;

  /// The token of an id, or nothing when no token has it. Valid until the next add().
  std::optional<std::string_view> token_of(std::int32_t id) const;

  /// Largest id + 1.
  std::int64_t size() const { return static_cast<std::int64_t>(tokens_.size()); }

 private:
  struct Range {
    std::uint32_t offset = kAbsent, length = 0;
  };
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t id = -1;  // -1 in a free slot
    Range range;
  };
  static constexpr std::uint32_t kAbsent = ~std::uint32_t{0};

  std::string_view text_of(Range range) const { return std::string_view(text_).substr(range.offset, range.length); }
  std::size_t slot_of(std::string_view token, std::uint32_t hash) const;
  void grow();

  std::string text_;           // all tokens, one behind another
  std::vector<Range> tokens_;  // by id
  std::vector<Slot> slots_;    // a power of two of them, at most half in use
  std::size_t used_ = 0;
};

}  // namespace e5v::text
