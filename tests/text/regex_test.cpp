#include "text/regex.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::text {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

std::vector<std::string> matches(const std::string& pattern, const std::string& text) {
  std::vector<std::string> found;
  for (const Span& span : Regex(pattern, "[test] pattern").find_all(text)) {
    found.push_back(text.substr(span.begin, span.end - span.begin));
  }
  return found;
}

TEST(Regex, EscapesMeanWhatOnigurumaMeans) {
  EXPECT_THAT(matches(R"(\s)", "a\u180E\u0085\uFEFF\u3000b"), ElementsAre("\u0085", "\u3000"));
  EXPECT_THAT(matches(R"([^\s]+)", "a\u180E b"), ElementsAre("a\u180E", "b"));
  EXPECT_THAT(matches(R"(\h+)", "xfF0 g"), ElementsAre("fF0"));
  EXPECT_THAT(matches(R"(\w+)", "a\u0301_1-\u00B2"), ElementsAre("a\u0301_1", "\u00B2"));
  EXPECT_THAT(matches(R"(\W)", "a-b"), ElementsAre("-"));
  EXPECT_THAT(matches(R"(\\s)", "\\s"), ElementsAre("\\s"));
  EXPECT_THAT(matches(R"([]\]a]+)", "x]a"), ElementsAre("]a"));
  EXPECT_THAT(matches(R"([^]]+)", "]a]"), ElementsAre("a"));
  EXPECT_THAT(matches(R"([[:digit:]x]+)", "a1x"), ElementsAre("1x"));
}

TEST(Regex, EmptyMatchesDoNotStandStill) {
  EXPECT_THAT(matches("b*", "abéb"), ElementsAre("", "b", "b"));
  EXPECT_THAT(matches("(?=a)", "aa"), ElementsAre("", ""));
  EXPECT_THAT(matches("a", ""), ElementsAre());
}

void expect_pattern_refused(const std::string& pattern, const std::string& reason) {
  try {
    const Regex regex(pattern, "[t.json] pre_tokenizer.pattern.Regex");
    FAIL() << pattern << " was accepted";
  } catch (const ModelError& error) {
    EXPECT_THAT(error.what(), HasSubstr("[t.json] pre_tokenizer.pattern.Regex"));
    EXPECT_THAT(error.what(), HasSubstr(reason));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

TEST(Regex, UnusablePatternsAreRefused) {
  expect_pattern_refused("(a\n", "missing closing parenthesis");
  expect_pattern_refused("[a", "missing terminating ]");
  expect_pattern_refused("[a[b]]", "nested classes");
  expect_pattern_refused("[a&&b]", "nested classes");
  expect_pattern_refused(R"([\W])", "\\W inside a class");
  expect_pattern_refused(R"(\C)", "\\C");
  expect_pattern_refused(std::string(70000, 'a'), "70000 bytes");
  expect_pattern_refused(std::string(5000, '('), "parentheses");
}

TEST(Regex, ATextThatTakesTooLongIsAtFault) {
  const Regex regex(R"((a|aa)+\d)", "[t.json] pre_tokenizer.pattern.Regex");
  EXPECT_THAT(
      [&] { regex.find_all(std::string(60, 'a')); },
      ThrowsMessage<InvalidInput>(AllOf(StartsWith("[regex] a text of 60 bytes is too much for "),
                                        HasSubstr("[t.json] pre_tokenizer.pattern.Regex: "), HasSubstr("limit"))));
  EXPECT_EQ(regex.find_all(std::string(60, 'a') + "1").size(), 1u);
}

}  // namespace
}  // namespace e5v::text
