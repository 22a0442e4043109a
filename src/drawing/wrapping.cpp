#include "drawing/wrapping.h"

#include <algorithm>

#include "base/utf8.h"

namespace e5v::drawing {
namespace {

std::vector<std::u32string> words_of(std::string_view text) {
  std::vector<std::u32string> words;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    at += point.length;
    const bool continues = inside;
    inside = !is_python_white_space(point.value);
    if (!inside) continue;
    if (!continues) words.emplace_back();
    words.back() += point.value;
  }
  return words;
}

/// How many characters of a word fit alone: all, or else at least one.
std::size_t fitting_start(std::u32string_view word, const std::function<bool(std::u32string_view)>& fits) {
  // Doubling first: what fits is short, however long the word.
  std::size_t fitting = 1, beyond = 2;
  while (beyond < word.size() && fits(word.substr(0, beyond))) fitting = beyond, beyond *= 2;
  if (beyond >= word.size() && fits(word)) return word.size();
  beyond = std::min(beyond, word.size());
  while (fitting + 1 < beyond) {
    const std::size_t middle = (fitting + beyond) / 2;
    (fits(word.substr(0, middle)) ? fitting : beyond) = middle;
  }
  return fitting;
}

}  // namespace

std::vector<std::u32string> wrap(std::string_view text, const std::function<bool(std::u32string_view line)>& fits) {
  std::vector<std::u32string> words = words_of(text), lines;
  for (std::size_t next = 0; next < words.size();) {
    std::u32string line;
    while (next < words.size() && fits(line + words[next])) line += words[next++] + U' ';
    if (!line.empty()) {
      lines.push_back(std::move(line));
      continue;
    }
    // The word is too long. Its last piece begins the next line, unless that is a character too wide.
    std::u32string_view rest = words[next];
    for (std::size_t count; (count = fitting_start(rest, fits)) < rest.size(); rest.remove_prefix(count))
      lines.emplace_back(rest.substr(0, count));
    words[next] = std::u32string(rest);
    if (!fits(words[next])) lines.push_back(words[next++]);
  }
  return lines;
}

}  // namespace e5v::drawing
