#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace e5v::drawing {

/// Breaks a text into lines as E5-V's create_text_image does: words (what Python's str.split() gives), each followed by
/// a blank, as many as fit before the last one's blank. That code runs forever on a word that does not fit alone; here
/// the word is cut into pieces that do, of one character at least. `fits` says whether a line does. `text` must be
/// well-formed UTF-8.
std::vector<std::u32string> wrap(std::string_view text, const std::function<bool(std::u32string_view line)>& fits);

}  // namespace e5v::drawing
