#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

/// Mutations that keep a JSON text well-formed: bytes that change at random seldom do.
namespace e5v::fuzz {

/// Changes one random value of a document: it is replaced, wrapped, doubled, removed, or gets a member of a name of
/// `keys`.
inline void mutate(Json& document, std::mt19937& random, std::span<const std::string_view> keys) {
  static const std::vector<Json> values = [] {
    constexpr std::uint64_t kLarge = 0xFFFF'FFFF'FFFF'FFFFu;
    std::vector<Json> made = {nullptr, true, false, 0, -1, 1, 2, 64, kLarge, 0.5, 1e300, "", "a", "upload:image"};
    made.insert(made.end(), {Json::array(),
                             Json::object(),
                             Json::array({Json::array()}),
                             Json::array({"a", "b"}),
                             Json::array({64, 272}),
                             {{"text", "a"}},
                             {{"role", "user"}, {"content", "a"}}});
    return made;
  }();
  const auto below = [&random](std::size_t count) { return static_cast<std::size_t>(random() % count); };
  std::vector<Json*> nodes = {&document};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i]->is_structured()) continue;
    for (Json& child : *nodes[i]) nodes.push_back(&child);
  }
  Json& node = *nodes[below(nodes.size())];
  switch (below(6)) {
    case 0: node = values[below(values.size())]; break;
    case 1: node = Json(*nodes[below(nodes.size())]); break;
    case 2: node = Json::array({node}); break;
    case 3: node = Json::array({node, node}); break;
    case 4:
      if (node.is_structured() && !node.empty())
        node.erase(std::next(node.begin(), static_cast<int>(below(node.size()))));
      break;
    default:
      if (node.is_object()) node[std::string(keys[below(keys.size())])] = values[below(values.size())];
  }
}

}  // namespace e5v::fuzz
