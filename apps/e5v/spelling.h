#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Proposes names for mistyped words.
namespace e5v::app {

/// The edit distance of two words: the minimum number of insertions, deletions, replacements and swaps of neighbours
/// that make one of the other (Damerau-Levenshtein, optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b);

struct Spelling {
  std::string name;   ///< the name that a word is compared with
  std::string shown;  ///< the text that is proposed
};

/// The known name that is nearest to a word, if it is near for a word of that length. A word that begins a name is
/// near.
std::optional<std::string> nearest(std::string_view word, const std::vector<Spelling>& known);

/// ", did you mean NAME?", or nothing when no name is near.
std::string did_you_mean(std::string_view word, const std::vector<Spelling>& known);

}  // namespace e5v::app
