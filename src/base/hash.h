#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace e5v {

/// A 128-bit content hash (XXH3). Not cryptographic: it tells different contents apart, not forged ones.
struct Hash128 {
  std::uint64_t low = 0, high = 0;
  auto operator<=>(const Hash128&) const = default;
  /// 32 lower-case hexadecimal digits.
  std::string hex() const;
  /// What hex() gave; nothing for anything else.
  static std::optional<Hash128> from_hex(std::string_view text);
};

/// Hashes a stream of pieces. Pieces are not delimited: add lengths where that matters.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher& add(std::span<const std::byte> bytes);
  Hasher& add(std::string_view text);
  Hasher& add(std::int64_t number);
  Hash128 digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace e5v
