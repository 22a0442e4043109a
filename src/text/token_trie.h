#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace e5v::text {

/// A set of strings that finds its longest member at any place in a text.
class TokenTrie {
 public:
  /// Adds a string, which must not be empty, with a value >= 0. A string that exists already keeps its value.
  void insert(std::string_view content, std::int32_t value);

  struct Found {
    std::size_t begin = 0, end = 0;
    std::int32_t value = 0;
  };

  /// The leftmost member that begins at `from` or later; the longest one of those with that beginning.
  std::optional<Found> find(std::string_view text, std::size_t from) const;

  bool empty() const { return children_.empty(); }

 private:
  static std::uint64_t edge(std::size_t node, char byte) {
    return static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(byte);
  }

  std::unordered_map<std::uint64_t, std::size_t> children_;  // edge -> node; node 0 is the root
  std::vector<std::int32_t> values_{-1};                     // the value of the string that ends in each node, or -1
  std::array<bool, 256> begins_{};                           // the first bytes of members
};

}  // namespace e5v::text
