#include "text/decoder.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/pattern.h"

namespace e5v::text {
namespace {

constexpr std::size_t kMaxDecoderSteps = 32;
constexpr std::int64_t kMaxStripped = 1024;

using Tokens = std::vector<std::string>;

std::string join(const Tokens& tokens, std::string_view separator = "") {
  std::string text;
  for (const std::string& token : tokens) {
    if (&token != &tokens.front()) text.append(separator);
    text.append(token);
  }
  return text;
}

void byte_level(Tokens& tokens, std::size_t) {
  std::string bytes;
  // A token outside the alphabet, for example an added one with a blank, stays as it is.
  for (const std::string& token : tokens) bytes.append(from_byte_level(token).value_or(token));
  tokens = {to_valid_utf8(bytes)};
}

/// The byte of a token like "<0xE2>".
std::optional<char> spelled_byte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
  unsigned value = 0;
  const char* end = token.data() + 5;
  if (std::from_chars(token.data() + 3, end, value, 16).ptr != end) return std::nullopt;
  return static_cast<char>(value);
}

/// Replaces a run of such tokens by the text that the bytes encode, or by one U+FFFD for each byte when they are no
/// UTF-8.
void byte_fallback(Tokens& tokens, std::size_t) {
  Tokens out;
  std::string run;
  const auto end_run = [&] {
    if (run.empty()) return;
    if (is_valid_utf8(run)) {
      out.push_back(run);
    } else {
      out.insert(out.end(), run.size(), "\xEF\xBF\xBD");
    }
    run.clear();
  };
  for (std::string& token : tokens) {
    if (const auto byte = spelled_byte(token)) {
      run.push_back(*byte);
      continue;
    }
    end_run();
    out.push_back(std::move(token));
  }
  end_run();
  tokens = std::move(out);
}

void fuse(Tokens& tokens, std::size_t) { tokens = {join(tokens)}; }

Decoder::Step replace_in_tokens(const Section& section) {
  return [pattern = Pattern::from_json(section.at("pattern")), content = section.text("content")](
             Tokens& tokens, std::size_t max_bytes) {
    for (std::string& token : tokens) {
      token = pattern.replace(token, content, max_bytes);
      max_bytes -= token.size();
    }
  };
}

std::string one_character(const Section& section, const char* key) {
  std::string character = section.text(key);
  require<ModelError>(!character.empty() && code_point_at(character, 0).length == character.size(),
                      "{} is {}, expected one character", section.at(key).where(), shown(character));
  return character;
}

/// Removes up to `start` and `stop` characters from the ends of each token.
Decoder::Step strip_tokens(const Section& section) {
  const std::int64_t start = section.at("start").count(kMaxStripped), stop = section.at("stop").count(kMaxStripped);
  return [character = one_character(section, "content"), start, stop](Tokens& tokens, std::size_t) {
    for (std::string& token : tokens) {
      std::string_view rest = token;
      for (std::int64_t i = 0; i < start && rest.starts_with(character); ++i) rest.remove_prefix(character.size());
      for (std::int64_t i = 0; i < stop && rest.ends_with(character); ++i) rest.remove_suffix(character.size());
      token = std::string(rest);
    }
  };
}

/// Replaces marks by blanks. In the first token they represent the prefix and are removed.
Decoder::Step metaspace(const Section& section) {
  const bool prefixed = section.has("prepend_scheme") ? section.text("prepend_scheme") != "never"
                                                      : section.flag("add_prefix_space", true);
  return [mark = one_character(section, "replacement"), prefixed](Tokens& tokens, std::size_t) {
    for (std::string& token : tokens) {
      const bool is_first = &token == &tokens.front();
      token = replace_all(token, mark, is_first && prefixed ? "" : " ");
    }
  };
}

}  // namespace

Decoder::Decoder(const Section& document) {
  if (!document.has("decoder")) return;
  joins_with_blanks_ = false;
  add(document.at("decoder"), 0);
}

void Decoder::add(const Section& section, int depth) {
  require<ModelError>(depth < kDeepestSequence && steps_.size() < kMaxDecoderSteps, "{} is nested too deep or too long",
                      section.where());
  const std::string type = section.text("type");
  if (type == "Sequence") {
    for (const Section& item : section.items("decoders")) add(item, depth + 1);
  } else if (type == "ByteLevel") {
    steps_.push_back(byte_level);
  } else if (type == "ByteFallback") {
    steps_.push_back(byte_fallback);
  } else if (type == "Fuse") {
    steps_.push_back(fuse);
  } else if (type == "Replace") {
    steps_.push_back(replace_in_tokens(section));
  } else if (type == "Strip") {
    steps_.push_back(strip_tokens(section));
  } else if (type == "Metaspace") {
    steps_.push_back(metaspace(section));
  } else {
    section.unsupported("type", type,
                        {"Sequence", "ByteLevel", "ByteFallback", "Fuse", "Replace", "Strip", "Metaspace"});
  }
}

std::string Decoder::apply(Tokens tokens) const {
  if (joins_with_blanks_) return join(tokens, " ");
  std::size_t bytes = 0;
  for (const std::string& token : tokens) bytes += token.size();
  const std::size_t max_bytes = growth_limit(bytes);
  for (const Step& step : steps_) step(tokens, max_bytes);
  return join(tokens);
}

std::string clean_up_spaces(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kReplacements[] = {
      {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
      {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kReplacements) text = replace_all(text, from, to);
  return text;
}

}  // namespace e5v::text
