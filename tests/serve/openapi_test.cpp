#include "serve/openapi.h"

#include <set>

#include "serve/routes.h"
#include "serve/service_fixture.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;

/// Calls a function with each value under "$ref".
template <class Function>
void for_each_reference(const Json& value, const Function& function) {
  if (value.is_object() && value.contains("$ref")) function(value["$ref"].get<std::string>());
  if (!value.is_structured()) return;
  for (const Json& part : value) for_each_reference(part, function);
}

TEST(OpenApi, DescribesEachRouteOnce) {
  const std::vector<Route> routes = all_routes();
  const Json description = openapi_of(routes);
  std::size_t operations = 0;
  for (const Json& path : description["paths"]) operations += path.size();
  EXPECT_EQ(operations, routes.size());
  for (const Route& route : routes) {
    EXPECT_FALSE(route.summary.empty()) << route.path;
    EXPECT_TRUE(route.method == "GET" || !route.request_schema.empty()) << route.path;
  }
}

TEST(OpenApi, EachReferenceHasItsSchemaAndEachSchemaItsUse) {
  const Json description = openapi_of(all_routes());
  std::set<std::string> used, known;
  for_each_reference(description, [&](const std::string& reference) { used.insert(reference); });
  for (const auto& [name, schema] : description["components"]["schemas"].items())
    known.insert("#/components/schemas/" + name);
  EXPECT_EQ(used, known);
}

class Pages : public ServiceTest {};

TEST_F(Pages, AllowNothingFromElsewhere) {
  for (const char* path : {"/", "/page.css", "/page.js"}) {
    const Answer answer = ask("GET", path);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.fields.find("Content-Security-Policy"), HasSubstr("default-src 'none'"));
    EXPECT_EQ(answer.body.find("http://"), std::string::npos) << path;
    EXPECT_EQ(answer.body.find("https://"), std::string::npos) << path;
  }
  EXPECT_EQ(ask("GET", "/openapi.json").json()["openapi"], "3.1.0");
}

TEST_F(Pages, OfferPromptsThatExist) {
  constexpr std::string_view kOption = "<option>";
  const std::string page = ask("GET", "/").body;
  int prompts = 0;
  for (std::size_t at = page.find(kOption); at != std::string::npos; at = page.find(kOption, at)) {
    at += kOption.size();
    const std::string prompt = page.substr(at, page.find('<', at) - at);
    const Answer answer = post("/v1/embed", {{"items", {{{"text", "a"}, {"prompt", prompt}}}}});
    EXPECT_EQ(answer.body.find("is no prompt"), std::string::npos) << answer.body;
    ++prompts;
  }
  EXPECT_EQ(prompts, 12);
}

}  // namespace
}  // namespace e5v::serve
