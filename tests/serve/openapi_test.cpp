#include "serve/openapi.h"

#include <set>

#include "serve/routes.h"
#include "serve/service_fixture.h"
#include "text/prompt.h"

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
  const Json description = openapi_of(routes, {});
  std::size_t operations = 0;
  for (const Json& path : description["paths"]) operations += path.size();
  EXPECT_EQ(operations, routes.size());
  for (const Route& route : routes) {
    EXPECT_FALSE(route.summary.empty()) << route.path;
    EXPECT_TRUE(route.method == "GET" || !route.request_schema.empty()) << route.path;
  }
}

TEST(OpenApi, EachReferenceHasItsSchemaAndEachSchemaItsUse) {
  const Json description = openapi_of(all_routes(), {});
  std::set<std::string> used, known;
  for_each_reference(description, [&](const std::string& reference) { used.insert(reference); });
  for (const auto& [name, schema] : description["components"]["schemas"].items())
    known.insert("#/components/schemas/" + name);
  EXPECT_EQ(used, known);
}

TEST(OpenApi, OptionalFieldsOfRequestsMayBeNull) {
  const Json schemas = openapi_of(all_routes(), {})["components"]["schemas"];
  const Json null = {{"type", "null"}};
  EXPECT_EQ(schemas["OpenAiRequest"]["properties"]["dimensions"]["anyOf"][1], null);
  EXPECT_EQ(schemas["Item"]["properties"]["text"]["anyOf"][1], null);
  EXPECT_EQ(schemas["TeiSimilarityRequest"]["properties"]["inputs"].value("type", ""), "object");  // required
  EXPECT_EQ(schemas["EmbedResponse"]["properties"]["model"]["type"], "string");
}

TEST(OpenApi, PromptsAreThoseOfThePromptTable) {
  const Json prompt = openapi_of(all_routes(), {})["components"]["schemas"]["Prompt"];
  std::vector<std::string> expected = {""};
  for (const std::string_view name : text::prompt_names()) expected.emplace_back(name);
  EXPECT_EQ(prompt["anyOf"][0]["enum"].get<std::vector<std::string>>(), expected);
}

TEST(OpenApi, BodiesHaveAllTheirTypes) {
  const Json paths = openapi_of(all_routes(), {})["paths"];
  const Json& embed = paths["/v1/embed"]["post"];
  EXPECT_TRUE(embed["requestBody"]["content"].contains("multipart/form-data"));
  EXPECT_TRUE(embed["responses"]["200"]["content"].contains("application/jsonl"));
  EXPECT_TRUE(paths["/v1/embeddings"]["post"]["responses"]["200"]["content"].contains("application/octet-stream"));
  EXPECT_FALSE(paths["/embed"]["post"]["requestBody"]["content"].contains("multipart/form-data"));
}

class Pages : public ServiceTest {};

TEST_F(Pages, DescriptionHasTheLimitsOfTheModel) {
  const Json schemas = ask("GET", "/openapi.json").json()["components"]["schemas"];
  EXPECT_EQ(schemas["Dimensions"]["maximum"], 128);
  EXPECT_EQ(schemas["TokenId"]["maximum"], 2367);
  EXPECT_EQ(schemas["ContextOrMore"]["minimum"], 8192);
}

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
