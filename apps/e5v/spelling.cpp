#include "spelling.h"

#include <algorithm>

namespace e5v::app {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> steps(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        steps[i][j] = i + j;
        continue;
      }
      steps[i][j] = std::min({steps[i - 1][j] + 1, steps[i][j - 1] + 1, steps[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        steps[i][j] = std::min(steps[i][j], steps[i - 2][j - 2] + 1);
    }
  }
  return steps[a.size()][b.size()];
}

std::optional<std::string> nearest(std::string_view word, const std::vector<Spelling>& known) {
  constexpr std::size_t kLongest = 40;  // longer words are no mistyped names
  if (word.size() > kLongest) return std::nullopt;
  std::size_t best = word.size() <= 2   ? 1
                     : word.size() <= 4 ? 2
                     : word.size() <= 8 ? 3
                                        : 4;  // the maximum distance plus one
  std::optional<std::string> result;
  for (const Spelling& candidate : known) {
    const bool begins = word.size() > 2 && candidate.name.starts_with(word);
    const std::size_t steps =
        begins ? std::min<std::size_t>(1, candidate.name.size() - word.size()) : edit_distance(word, candidate.name);
    if (steps < best) best = steps, result = candidate.shown;
  }
  return result;
}

std::string did_you_mean(std::string_view word, const std::vector<Spelling>& known) {
  const std::optional<std::string> found = nearest(word, known);
  return found ? ", did you mean " + *found + "?" : "";
}

}  // namespace e5v::app
