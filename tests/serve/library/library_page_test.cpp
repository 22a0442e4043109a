#include "serve/library/library_page.h"

#include <regex>
#include <set>

#include "serve/library/library_fixture.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;
using testing::Not;

class LibraryPage : public LibraryServiceTest {};

TEST_F(LibraryPage, LoadsNothingFromElsewhere) {
  for (const Route& route : library_page_routes()) {
    const Answer answer = ask("GET", std::string(route.path));
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.fields.find("Content-Security-Policy"), HasSubstr("default-src 'none'; script-src 'self'"));
    EXPECT_GT(answer.body.size(), 500u) << route.path;
    EXPECT_THAT(answer.body, Not(HasSubstr("http://"))) << route.path;
    EXPECT_THAT(answer.body, Not(HasSubstr("https://"))) << route.path;
    EXPECT_THAT(answer.body, Not(HasSubstr("innerHTML"))) << route.path;
    EXPECT_THAT(answer.body, Not(HasSubstr(" onclick=\""))) << route.path;
  }
}

TEST_F(LibraryPage, EachScriptThatItNamesIsThere) {
  std::set<std::string> known, used;
  const std::regex name("\"(/library/[a-z]+\\.(js|css))\"");
  for (const Route& route : library_page_routes()) {
    if (route.path != "/library") known.emplace(route.path);
    const std::string body = ask("GET", std::string(route.path)).body;
    for (auto found = std::sregex_iterator(body.begin(), body.end(), name); found != std::sregex_iterator(); ++found)
      used.insert((*found)[1]);
  }
  EXPECT_EQ(used, known);
}

TEST_F(LibraryPage, ThePageOfTheServerLeadsToIt) {
  EXPECT_THAT(ask("GET", "/").body, HasSubstr("<a href=\"/library\">photos</a>"));
  Service without({}, nullptr);
  const auto missing = without.admit({.method = "GET", .path = "/library"});
  EXPECT_EQ(std::get<http::Response>(missing).status, 404);
}

}  // namespace
}  // namespace e5v::serve
