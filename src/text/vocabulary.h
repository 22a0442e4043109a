#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace e5v::text {

/// Tokens and their ids, in both directions. Each token has one id, and each id at most one token. One string holds all
/// tokens, and a table with linear probing finds them. A map of nodes with 128k strings would take several times as
/// long to fill, which is most of the time of loading a tokenizer.
class Vocabulary {
 public:
  /// Adds a token with an id in [0, kMaxTokenId]. Throws ModelError, which begins with `where`, when the token or the
  /// id is taken.
  void add(std::string_view token, std::int32_t id, std::string_view where);

  std::optional<std::int32_t> id_of(std::string_view token) const;

  /// The token of an id; nothing when no token has it. Valid until the next add().
  std::optional<std::string_view> token_of(std::int32_t id) const;

  /// The largest id + 1.
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

  std::string text_;           // all tokens, one after the other
  std::vector<Range> tokens_;  // by id
  std::vector<Slot> slots_;    // their number is a power of two, and at most half are used
  std::size_t used_ = 0;
};

}  // namespace e5v::text
