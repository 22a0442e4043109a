#include "serve/page_part.h"

#include <gmock/gmock.h>

namespace e5v::serve {
namespace {

TEST(PagePart, LoadsOnlyWhatThisServerHas) {
  const http::Response part = page_part("text/html; charset=utf-8", "<p>");
  EXPECT_EQ(part.body, "<p>");
  EXPECT_EQ(part.type, "text/html; charset=utf-8");
  const std::string policy(part.fields.find("Content-Security-Policy"));
  for (const char* rule : {"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'"})
    EXPECT_THAT(policy, testing::HasSubstr(rule));
  EXPECT_THAT(policy, testing::Not(testing::HasSubstr("unsafe")));
  EXPECT_EQ(part.fields.find("X-Content-Type-Options"), "nosniff");
}

TEST(PagePart, ItsRouteIsOpen) {
  const Route route = page_route("/x", nullptr, "text/css", "A style");
  EXPECT_EQ(route.access, Access::open);
  EXPECT_EQ(route.response_type, "text/css");
}

}  // namespace
}  // namespace e5v::serve
