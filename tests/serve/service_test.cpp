#include "serve/service.h"

#include "serve/service_fixture.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Served : public ServiceTest {};

TEST_F(Served, WhatDoesNotExistIs404AndAnotherMethod405) {
  const Answer missing = ask("GET", "/v1/nothing");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.json()["error"]["message"], "there is no \"/v1/nothing\"");
  const Answer method = ask("GET", "/v1/embeddings");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.fields.find("Allow"), "POST");
}

TEST_F(Served, OnlyJsonIsTaken) {
  const Answer answer = ask("POST", "/v1/embeddings", "{}", {{"Content-Type", "text/plain"}});
  EXPECT_EQ(answer.status, 415);
  EXPECT_THAT(answer.body, HasSubstr("expected Content-Type: application/json, found"));
  EXPECT_EQ(
      ask("POST", "/v1/embeddings", R"({"input":"a"})", {{"Content-Type", "Application/JSON ; charset=utf-8"}}).status,
      200);
}

TEST_F(Served, BrokenJsonIsTheClientsFault) {
  for (const char* body : {"", "{", "[]", "1", "{\"input\":\"\xff\"}", "nul"}) {
    const Answer answer = ask("POST", "/v1/embeddings", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_THAT(answer.json()["error"]["message"].get<std::string>(), HasSubstr("[body]")) << body;
  }
}

TEST_F(Served, WhileItDrainsOnlyHealthAnswers) {
  service_.drain();
  EXPECT_EQ(ask("GET", "/health").status, 200);
  EXPECT_EQ(ask("GET", "/ready").status, 503);
  const Answer answer = post("/v1/embeddings", {{"input", "a"}});
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.fields.find("Retry-After"), "5");
}

TEST_F(Served, AnEndedRequestIsALineOfTheLogAndACount) {
  http::Request request{.method = "POST", .path = "/v1/embeddings", .address = "::1", .id = "a\"b"};
  service_.completed({request, 200, 10, 20, "\"items\":1", 0.5});
  ASSERT_EQ(log_.size(), 1u);
  const Json line = Json::parse(log_[0]);
  EXPECT_EQ(line["id"], "a\"b");
  EXPECT_EQ(line["client"], "::1");
  EXPECT_EQ(line["status"], 200);
  EXPECT_EQ(line["items"], 1);
  EXPECT_EQ(line["seconds"], 0.5);
  EXPECT_THAT(line["time"].get<std::string>(), testing::MatchesRegex("....-..-..T..:..:..\\....Z"));
  EXPECT_THAT(ask("GET", "/metrics").body,
              HasSubstr("e5v_requests_total{route=\"/v1/embeddings\",status=\"200\"} 1\n"));
}

TEST_F(Served, PagesOfOtherOriginsGetNothingUnlessAllowed) {
  const Answer answer = ask("GET", "/v1/models", "", {{"Origin", "https://a.example"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.fields.find("Access-Control-Allow-Origin"), IsEmpty());
  EXPECT_EQ(ask("OPTIONS", "/v1/models", "", {{"Origin", "https://a.example"}}).status, 405);
}

class WithOrigin : public ServiceTest {
 protected:
  WithOrigin() : ServiceTest({.origins = {"https://a.example"}}) {}
};

TEST_F(WithOrigin, ItsPagesMayCall) {
  const Headers allowed = {{"Origin", "https://a.example"}}, other = {{"Origin", "https://b.example"}};
  const Answer preflight = ask("OPTIONS", "/v1/embeddings", "", allowed);
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.fields.find("Access-Control-Allow-Origin"), "https://a.example");
  EXPECT_EQ(ask("GET", "/v1/models", "", allowed).fields.find("Access-Control-Allow-Origin"), "https://a.example");
  EXPECT_EQ(post("/v1/embeddings", {{"input", 1}}, allowed).fields.find("Access-Control-Allow-Origin"),
            "https://a.example");
  EXPECT_THAT(ask("GET", "/v1/models", "", other).fields.find("Access-Control-Allow-Origin"), IsEmpty());
}

class WithKeys : public ServiceTest {
 protected:
  WithKeys() : ServiceTest({.keys = {{"shop", "s3cret"}}, .requests_per_second = 1}) {}
};

TEST_F(WithKeys, OnlyKeysThatAreKnownMayAsk) {
  const Answer refused = ask("GET", "/v1/models");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.fields.find("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(ask("GET", "/v1/models", "", {{"Authorization", "Bearer s3cre"}}).status, 401);
  EXPECT_EQ(ask("GET", "/metrics").status, 401);
  EXPECT_EQ(ask("GET", "/health").status, 200);
  EXPECT_EQ(ask("GET", "/v1/models", "", {{"authorization", "bearer s3cret"}}).status, 200);
  EXPECT_EQ(ask("GET", "/v1/models", "", {{"x-api-key", "s3cret"}}).status, 200);
}

TEST_F(WithKeys, TheirRateIsLimited) {
  const Headers key = {{"Authorization", "Bearer s3cret"}};
  EXPECT_EQ(ask("GET", "/v1/models", "", key).status, 200);
  EXPECT_EQ(ask("GET", "/v1/models", "", key).status, 200);
  const Answer refused = ask("GET", "/v1/models", "", key);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.fields.find("Retry-After"), "1");
}

class WithRate : public ServiceTest {
 protected:
  WithRate() : ServiceTest({.requests_per_second = 1}) {}
  int status_of(const std::string& address) {
    auto admitted = service_.admit({.method = "GET", .path = "/v1/models", .address = address});
    const auto* refusal = std::get_if<http::Response>(&admitted);
    return refusal == nullptr ? 200 : refusal->status;
  }
};

TEST_F(WithRate, AllAddressesOfAHostAreOneClient) {
  EXPECT_EQ(status_of("2001:db8::1"), 200);
  EXPECT_EQ(status_of("2001:db8::2"), 200);
  EXPECT_EQ(status_of("2001:db8::3:4"), 429);
  EXPECT_EQ(status_of("2001:db8:0:1::1"), 200);
  EXPECT_EQ(status_of("192.0.2.1"), 200);
}

TEST(Loading, AllButHealthWaits) {
  Service service({}, nullptr);
  const auto status = [&](const char* path) {
    auto admitted = service.admit({.method = "GET", .path = path});
    const auto* refusal = std::get_if<http::Response>(&admitted);
    return refusal == nullptr ? 200 : refusal->status;
  };
  EXPECT_EQ(status("/health"), 200);
  EXPECT_EQ(status("/ready"), 503);
  EXPECT_EQ(status("/v1/models"), 503);
}

}  // namespace
}  // namespace e5v::serve
