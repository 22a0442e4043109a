#include "text/token_trie.h"

namespace e5v::text {

void TokenTrie::insert(std::string_view content, std::int32_t value) {
  begins_[static_cast<unsigned char>(content.front())] = true;
  std::size_t node = 0;
  for (const char byte : content) {
    const auto [child, is_new] = children_.try_emplace(edge(node, byte), values_.size());
    if (is_new) values_.push_back(-1);
    node = child->second;
  }
  if (values_[node] < 0) values_[node] = value;
}

std::optional<TokenTrie::Found> TokenTrie::find(std::string_view text, std::size_t from) const {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (!begins_[static_cast<unsigned char>(text[begin])]) continue;
    Found longest;
    std::size_t node = 0;
    for (std::size_t at = begin; at < text.size(); ++at) {
      const auto child = children_.find(edge(node, text[at]));
      if (child == children_.end()) break;
      node = child->second;
      if (values_[node] >= 0) longest = {begin, at + 1, values_[node]};
    }
    if (longest.end != 0) return longest;
  }
  return std::nullopt;
}

}  // namespace e5v::text
