#include "serve/route.h"

#include <malloc.h>

#include <regex>

#include "serve/service_fixture.h"

namespace e5v::serve {
namespace {

using testing::HasSubstr;

/// An error as a route has it: its status and its text.
http::Response plain_error(const Fault& fault) {
  return {.status = fault.status, .type = "text", .body = fault.message};
}

class RouteParts : public ServiceTest {
 protected:
  RouteParts() { models_.add(model()); }

  Exchange exchange(const std::string& body = "") {
    http::Request request{.method = "POST", .path = "/x", .body = body, .id = "id-1"};
    request.gone = gone_.get_token();
    return {context_, route_, std::move(request), keeper_, "shop"};
  }
  /// The answer to a call of some texts.
  Answer answer_to(const std::vector<std::string>& texts,
                   const std::function<http::Response(const EmbeddingCall&, const EmbeddedCall&)>& respond) {
    std::future<Answer> answer = keeper_->answer();
    Exchange given = exchange("body");
    EmbeddingCall call = call_of(given, "");
    for (const std::string& text : texts) call.items.push_back({RequestInput::from_text(text), {}, {}, "input"});
    embed_and_answer(std::move(given), std::move(call), respond);
    return answer.get();
  }

  ModelSet models_;
  ImagePolicy images_;
  std::vector<Route> routes_;
  Context context_{models_, images_, routes_};
  Route route_{.method = "POST", .path = "/x", .answer = nullptr, .error = plain_error};
  std::shared_ptr<AnswerKeeper> keeper_ = std::make_shared<AnswerKeeper>();
  std::stop_source gone_;
};

TEST(JsonResponse, IsCompactAndAlwaysUtf8) {
  const http::Response response = json_response({{"a", {1, 2}}}, 418);
  EXPECT_EQ(response.status, 418);
  EXPECT_EQ(response.type, "application/json");
  EXPECT_EQ(response.body, R"({"a":[1,2]})");
  EXPECT_EQ(json_response({{"a", "é\xff"}}).body, "{\"a\":\"é\xEF\xBF\xBD\"}");
}

TEST(ErrorResponse, TellsWhenToComeBack) {
  EXPECT_EQ(error_response({429, "full", "", 3}, plain_error).fields.find("Retry-After"), "3");
  const http::Response response = error_response({400, "wrong", "x", {}}, plain_error);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, "wrong");
  EXPECT_EQ(response.fields.find("Retry-After"), "");
}

TEST_F(RouteParts, BodiesAreJsonObjects) {
  EXPECT_EQ(body_of(exchange(R"({"a": 1})"))["a"], 1);
  const auto refusal_of = [&](const std::string& body) -> std::string {
    try {
      body_of(exchange(body));
    } catch (const Refusal& refusal) {
      EXPECT_EQ(refusal.status(), 400);
      return refusal.what();
    }
    return "none";
  };
  EXPECT_EQ(refusal_of("[1]"), "[body] expected a JSON object, found array");
  EXPECT_EQ(refusal_of("7"), "[body] expected a JSON object, found number");
  EXPECT_THAT(refusal_of("{"), HasSubstr("[body] is not JSON"));
  EXPECT_THAT(refusal_of(std::string(1000, '[')), HasSubstr("[body]"));
}

TEST_F(RouteParts, CallsAreOfTheExchangesClient) {
  const EmbeddingCall call = call_of(exchange(), "text-embedding-3-small");
  EXPECT_EQ(call.model, model());
  EXPECT_EQ(call.client, "shop");
  EXPECT_FALSE(call.gone.stop_requested());
  gone_.request_stop();
  EXPECT_TRUE(call.gone.stop_requested());
  EXPECT_THROW(call_of(exchange(), "unknown"), Refusal);
}

TEST_F(RouteParts, RespondHasTheVectorsAndTheCallWithoutItems) {
  const Answer answer = answer_to({"one", "two"}, [](const EmbeddingCall& call, const EmbeddedCall& vectors) {
    EXPECT_TRUE(call.items.empty());
    EXPECT_EQ(call.client, "shop");
    EXPECT_EQ(call.model->name, "tiny");
    return json_response({{"vectors", vectors.vectors.size()}, {"tokens", vectors.tokens}}, 201);
  });
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.json()["vectors"], 2);
  EXPECT_EQ(answer.log, fmt::format(R"("model":"tiny","items":2,"tokens":{})", answer.json()["tokens"].dump()));
}

/// The memory of all bodies is limited, so a request must not keep two of them.
TEST_F(RouteParts, TheBodyIsFreedBeforeItsInputsAreComputed) {
  Exchange given = exchange(std::string(std::size_t{64} << 20, 'x'));  // the C library maps a text of this size
  std::future<Answer> answer = keeper_->answer();
  EmbeddingCall call = call_of(given, "");
  call.items.push_back({RequestInput::from_text("one")});
  const std::size_t before = mallinfo2().hblkhd;
  embed_and_answer(std::move(given), std::move(call), [before](const EmbeddingCall&, const EmbeddedCall&) {
    EXPECT_LE(mallinfo2().hblkhd, before - std::min(before, std::size_t{60} << 20));
    return http::Response();
  });
  EXPECT_EQ(answer.get().status, 200);
}

TEST_F(RouteParts, ErrorsHaveTheShapeOfTheRoute) {
  const auto never = [](const EmbeddingCall&, const EmbeddedCall&) {
    ADD_FAILURE() << "there is nothing to respond with";
    return http::Response();
  };
  const Answer answer = answer_to({"fine", long_text()}, never);
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.type, "text");
  EXPECT_THAT(answer.body, testing::StartsWith("input: "));
  EXPECT_THAT(answer.log, HasSubstr(R"("items":2,"tokens":)"));  // the first may be computed before the second fails
}

TEST_F(RouteParts, WhatRespondThrowsIsAnsweredToo) {
  const Answer answer = answer_to(
      {"one"}, [](const EmbeddingCall&, const EmbeddedCall&) -> http::Response { throw Refusal(422, "[x] is odd"); });
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.body, "[x] is odd");
  EXPECT_EQ(answer.fields.find("Retry-After"), "");
}

TEST_F(RouteParts, WhoMayComeBackLaterIsToldWhen) {
  const Answer answer =
      answer_to({"one"}, [](const EmbeddingCall&, const EmbeddedCall&) -> http::Response { throw Overloaded("full"); });
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.fields.find("Retry-After"), "1");
}

TEST(NewId, IsAPrefixAndRandomDigits) {
  const std::string first = new_id("embd-"), second = new_id("embd-");
  EXPECT_TRUE(std::regex_match(first, std::regex("embd-[0-9a-f]{32}"))) << first;
  EXPECT_NE(first, second);
}

TEST(NowInSeconds, IsTheTimeSince1970) {
  const std::int64_t before = std::time(nullptr), now = now_in_seconds(), after = std::time(nullptr);
  EXPECT_LE(before, now);
  EXPECT_LE(now, after);
}

TEST(RoutePath, AnIdIsAnyTextWithoutASlashAndASlashMayFollow) {
  const auto route = [](std::string_view path) {
    return Route{.method = "GET", .path = path, .answer = nullptr, .error = plain_error};
  };
  const Route plain = route("/a"), with_id = route("/a/{id}"), inner = route("/a/{id}/b");
  EXPECT_TRUE(is_path_of("/a", plain));
  EXPECT_TRUE(is_path_of("/a/", plain)) << "people type it";
  EXPECT_FALSE(is_path_of("/a//", plain));
  EXPECT_FALSE(is_path_of("//", route("/")));
  EXPECT_FALSE(is_path_of("/a/x", plain));
  EXPECT_TRUE(is_path_of("/a/x", with_id));
  for (const char* path : {"/a", "/a/", "/a/x/b", "/a//b", "/b/x"}) EXPECT_FALSE(is_path_of(path, with_id)) << path;
  EXPECT_TRUE(is_path_of("/a/x/b", inner));
  for (const char* path : {"/a//b", "/a/x/y/b", "/a/x", "/a/b"}) EXPECT_FALSE(is_path_of(path, inner)) << path;
}

}  // namespace
}  // namespace e5v::serve
