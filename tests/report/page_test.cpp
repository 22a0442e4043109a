#include "report/page.h"

#include <gmock/gmock.h>

namespace e5v::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(HtmlEscaped, LeavesNoMarkup) { EXPECT_EQ(html_escaped("<a href=\"x\">&é"), "&lt;a href=&quot;x&quot;&gt;&amp;é"); }

TEST(DataUri, IsBase64) {  // RFC 4648, section 10
  EXPECT_EQ(data_uri("text/plain", ""), "data:text/plain;base64,");
  EXPECT_EQ(data_uri("a/b", "f"), "data:a/b;base64,Zg==");
  EXPECT_EQ(data_uri("a/b", "fo"), "data:a/b;base64,Zm8=");
  EXPECT_EQ(data_uri("a/b", "foo"), "data:a/b;base64,Zm9v");
  EXPECT_EQ(data_uri("a/b", "foobar"), "data:a/b;base64,Zm9vYmFy");
  EXPECT_EQ(data_uri("a/b", "\xff\xfe\xfd"), "data:a/b;base64,//79");
}

TEST(Page, IsWholeAndNeedsNoNetwork) {
  const std::pair<std::string, std::string> fact{"a<b", "1 & 2"};
  const std::string html = page("T & t", "<sub>", facts_html({&fact, 1}), ".own { color: red; }");
  EXPECT_THAT(html, testing::StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(html, HasSubstr("<title>T &amp; t</title>"));
  EXPECT_THAT(html, HasSubstr("&lt;sub&gt;"));
  EXPECT_THAT(html, HasSubstr("<dt>a&lt;b</dt><dd>1 &amp; 2</dd>"));
  EXPECT_THAT(html, HasSubstr(".own { color: red; }"));
  EXPECT_THAT(html, testing::EndsWith("</html>\n"));
  EXPECT_THAT(html, Not(testing::AnyOf(HasSubstr("http"), HasSubstr("<script"))));
  EXPECT_EQ(facts_html({}), "");
}

}  // namespace
}  // namespace e5v::report
