#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace e5v::text {

/// A set of strings that finds its longest member at a place in a text.
class TokenTrie {
 public:
  /// Adds a string, which is not empty, under a value >= 0; a string that is there already keeps its value.
  void insert(std::string_view content, std::int32_t value);

  struct Found {
    std::size_t begin = 0, end = 0;
    std::int32_t value = 0;
  };

  /// The leftmost member that begins at `from` or later; of those that begin there, the longest.
  std::optional<Found> find(std::string_view text, std::size_t from) const;

  bool empty() const { return children_.empty(); }

 private:
  static std::uint64_t edge(std::size_t node, char byte) {
    return static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(byte);
  }

  std::unordered_map<std::uint64_t, std::size_t> children_;  // edge -> node; node 0 is the root
  std::vector<std::int32_t> values_{-1};                     // of the string that ends in a node, or -1
  std::array<bool, 256> begins_{};                           // bytes that a member begins with
};

}  // namespace e5v::text
