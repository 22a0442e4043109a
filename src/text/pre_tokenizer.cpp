#include "text/pre_tokenizer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/pattern.h"

namespace e5v::text {
namespace {

constexpr std::size_t kMaxPreTokenizerSteps = 32;

// openai/gpt-2's encoder.py.
constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// \w as in UTS #18 and in the Rust engine, which runs the Whitespace pre-tokenizer.
constexpr std::string_view kWords =
    R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\s]+)";

/// What happens to the matches of a splitting pattern.
enum class Behavior { isolated, removed, merged_with_previous, merged_with_next, contiguous };

Behavior behavior_of(const Section& section) {
  const std::string name = section.text("behavior");
  if (name == "Isolated") return Behavior::isolated;
  if (name == "Removed") return Behavior::removed;
  if (name == "MergedWithPrevious") return Behavior::merged_with_previous;
  if (name == "MergedWithNext") return Behavior::merged_with_next;
  if (name == "Contiguous") return Behavior::contiguous;
  section.unsupported("behavior", name, {"Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"});
}

/// True when `span` is joined to its predecessor `before`.
bool joins(Behavior behavior, const Span& before, const Span& span) {
  switch (behavior) {
    case Behavior::merged_with_previous: return span.is_match && !before.is_match;
    case Behavior::merged_with_next: return before.is_match && !span.is_match;
    case Behavior::contiguous: return span.is_match == before.is_match;
    case Behavior::isolated:
    case Behavior::removed: break;
  }
  return false;
}

/// Applies the behaviour to spans that cover `piece`, and passes the result to the sink.
void emit(Piece piece, const std::vector<Span>& spans, Behavior behavior, const PieceSink& sink) {
  for (std::size_t i = 0; i < spans.size();) {
    const std::size_t first = i++;
    while (i < spans.size() && joins(behavior, spans[i - 1], spans[i])) ++i;
    const std::size_t begin = spans[first].begin, end = spans[i - 1].end;
    const bool removed = behavior == Behavior::removed && spans[first].is_match;
    if (begin == end || removed) continue;
    sink({piece.text.substr(begin, end - begin), piece.at_text_start && begin == 0});
  }
}

PreTokenizer::Step split_step(Pattern pattern, Behavior behavior, bool invert = false) {
  return [pattern = std::move(pattern), behavior, invert](Piece piece, const PieceSink& sink) {
    std::vector<Span> spans = pattern.split(piece.text);
    if (invert) {
      for (Span& span : spans) span.is_match = !span.is_match;
    }
    emit(piece, spans, behavior, sink);
  };
}

PreTokenizer::Step regex_step(std::string_view pattern, Behavior behavior, bool invert = false) {
  return split_step(Pattern(Regex(pattern, "[tokenizer] a built-in pattern")), behavior, invert);
}

PreTokenizer::Step byte_level_step(const Section& section) {
  const bool add_prefix_space = section.flag("add_prefix_space", true);
  // Without the pattern, the step uses a pattern that matches nothing.
  const Pattern pattern = section.flag("use_regex", true) ? Pattern(Regex(kGpt2Pattern, "[tokenizer] GPT-2's pattern"))
                                                          : Pattern(std::string());
  return [add_prefix_space, pattern](Piece piece, const PieceSink& sink) {
    std::string prefixed;
    if (add_prefix_space && !piece.text.starts_with(' ')) {
      prefixed = std::string(" ").append(piece.text);
      piece.text = prefixed;
    }
    emit(piece, pattern.split(piece.text), Behavior::isolated, [&](Piece part) {
      const std::string mapped = to_byte_level(part.text);
      sink({mapped, part.at_text_start});
    });
  };
}

enum class Prepend { always, first, never };

Prepend prepend_scheme(const Section& section) {
  if (!section.has("prepend_scheme")) return section.flag("add_prefix_space", true) ? Prepend::always : Prepend::never;
  const std::string scheme = section.text("prepend_scheme");
  if (scheme == "always") return Prepend::always;
  if (scheme == "first") return Prepend::first;
  if (scheme == "never") return Prepend::never;
  section.unsupported("prepend_scheme", scheme, {"always", "first", "never"});
}

PreTokenizer::Step metaspace_step(const Section& section) {
  const std::string mark = section.text("replacement");
  require<ModelError>(!mark.empty() && code_point_at(mark, 0).length == mark.size(),
                      "{}.replacement is {}, expected one character", section.where(), shown(mark));
  const Prepend scheme = prepend_scheme(section);
  const bool split = section.flag("split", true);
  return [mark, scheme, split, pattern = Pattern(mark)](Piece piece, const PieceSink& sink) {
    std::string marked = replace_all(piece.text, " ", mark);
    const bool wanted = scheme == Prepend::always || (scheme == Prepend::first && piece.at_text_start);
    if (wanted && !marked.starts_with(mark)) marked.insert(0, mark);
    const Piece whole{marked, piece.at_text_start};
    if (!split) return sink(whole);
    emit(whole, pattern.split(marked), Behavior::merged_with_next, sink);
  };
}

}  // namespace

PreTokenizer::PreTokenizer(const Section& document) {
  if (document.has("pre_tokenizer")) add(document.at("pre_tokenizer"), 0);
}

void PreTokenizer::add(const Section& section, int depth) {
  require<ModelError>(depth < kDeepestSequence && steps_.size() < kMaxPreTokenizerSteps,
                      "{} is nested too deep or too long", section.where());
  const std::string type = section.text("type");
  if (type == "Sequence") {
    for (const Section& item : section.items("pretokenizers")) add(item, depth + 1);
  } else if (type == "Split") {
    steps_.push_back(
        split_step(Pattern::from_json(section.at("pattern")), behavior_of(section), section.flag("invert", false)));
  } else if (type == "ByteLevel") {
    // A second ByteLevel would write the first one's alphabet in its own, and the text would double each time.
    require<ModelError>(!std::exchange(has_byte_level_, true), "{} is a second ByteLevel, expected one at most",
                        section.where());
    steps_.push_back(byte_level_step(section));
  } else if (type == "Metaspace") {
    steps_.push_back(metaspace_step(section));
  } else if (type == "Whitespace") {
    steps_.push_back(regex_step(kWords, Behavior::removed, true));
  } else if (type == "WhitespaceSplit") {
    steps_.push_back(regex_step(R"(\s)", Behavior::removed));
  } else if (type == "Digits") {
    const bool individual = section.flag("individual_digits", false);
    steps_.push_back(regex_step(R"(\p{N})", individual ? Behavior::isolated : Behavior::contiguous));
  } else if (type == "Punctuation") {
    const Behavior behavior = section.has("behavior") ? behavior_of(section) : Behavior::isolated;
    steps_.push_back(regex_step(R"([\p{P}$+<=>^`|~])", behavior));
  } else {
    section.unsupported(
        "type", type,
        {"Sequence", "Split", "ByteLevel", "Metaspace", "Whitespace", "WhitespaceSplit", "Digits", "Punctuation"});
  }
}

void PreTokenizer::apply_from(std::size_t step, Piece piece, const PieceSink& sink) const {
  if (step == steps_.size()) return sink(piece);
  steps_[step](piece, [&, step](Piece part) { apply_from(step + 1, part, sink); });
}

}  // namespace e5v::text
