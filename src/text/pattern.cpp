#include "text/pattern.h"

#include "base/error.h"

namespace e5v::text {
namespace {

// The search for a literal costs at most its length for each byte of the text.
constexpr std::size_t kLongestLiteral = 1024;

}  // namespace

Pattern Pattern::from_json(const Section& section) {
  const bool is_literal = section.has("String");
  require<ModelError>(is_literal || section.has("Regex"),
                      "{} is {}, expected {{\"String\": ...}} or {{\"Regex\": ...}}", section.where(),
                      section.json().type_name());
  if (!is_literal) return Pattern(Regex(section.text("Regex"), section.at("Regex").where()));
  std::string literal = section.text("String");
  require<ModelError>(literal.size() <= kLongestLiteral, "{} has {} bytes, more than the limit of {}", section.where(),
                      literal.size(), kLongestLiteral);
  return Pattern(std::move(literal));
}

std::vector<Span> Pattern::matches(std::string_view text) const {
  if (regex_) return regex_->find_all(text);
  std::vector<Span> found;
  if (literal_.empty()) return found;
  for (std::size_t at = 0; (at = text.find(literal_, at)) != std::string_view::npos; at += literal_.size()) {
    found.push_back({at, at + literal_.size(), true});
  }
  return found;
}

std::vector<Span> Pattern::split(std::string_view text) const {
  std::vector<Span> spans;
  std::size_t done = 0;
  for (const Span& match : matches(text)) {
    if (done != match.begin) spans.push_back({done, match.begin, false});
    spans.push_back(match);
    done = match.end;
  }
  if (done != text.size()) spans.push_back({done, text.size(), false});
  return spans;
}

std::string Pattern::replace(std::string_view text, std::string_view content, std::size_t max_bytes) const {
  std::string out;
  for (const Span& span : split(text)) {
    out.append(span.is_match ? content : text.substr(span.begin, span.end - span.begin));
    require<ModelError>(out.size() <= max_bytes, "[tokenizer] a Replace step makes a text grow beyond {} bytes",
                        max_bytes);
  }
  return out;
}

}  // namespace e5v::text
