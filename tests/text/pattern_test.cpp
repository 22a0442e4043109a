#include "text/pattern.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::text {
namespace {

using ::testing::ElementsAre;

TEST(Pattern, SpansCoverTheText) {
  std::vector<std::string> shown;
  const std::string text = "xaay";
  for (const Span& span : Pattern(std::string("a")).split(text)) {
    shown.push_back(text.substr(span.begin, span.end - span.begin) + (span.is_match ? "!" : ""));
  }
  EXPECT_THAT(shown, ElementsAre("x", "a!", "a!", "y"));
  EXPECT_EQ(Pattern(std::string("a")).replace("xaay", "bb", 100), "xbbbby");
  EXPECT_EQ(Pattern(std::string()).replace("xaay", "bb", 100), "xaay");
  EXPECT_THROW(Pattern(std::string("a")).replace("xaay", "bb", 5), ModelError);
}

}  // namespace
}  // namespace e5v::text
