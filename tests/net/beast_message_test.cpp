#include "net/beast_message.h"

#include <gmock/gmock.h>

namespace e5v::net {
namespace {

namespace beast = boost::beast::http;

beast::request<beast::string_body> message_of(const std::string& target, const std::string& id) {
  beast::request<beast::string_body> message(beast::verb::post, target, 11);
  message.set("X-Request-Id", id);
  return message;
}

TEST(BeastMessage, ARequestHasMethodPathQueryAndFields) {
  const http::Request request = request_of(message_of("/a%20b?c=%20", "mine-7"));
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/a b");
  EXPECT_EQ(request.query, "c=%20");
  EXPECT_EQ(request.fields.find("x-request-id"), "mine-7");
  EXPECT_EQ(request.id, "mine-7");
}

TEST(BeastMessage, AnIdThatIsNoWordIsReplaced) {
  for (const std::string& id : {std::string(), std::string("a b"), std::string("a\"b"), std::string(129, 'x')})
    EXPECT_THAT(request_of(message_of("/", id)).id, testing::MatchesRegex("[0-9a-f]{16}")) << id;
  EXPECT_EQ(request_of(message_of("/", std::string(128, 'x'))).id, std::string(128, 'x'));
}

TEST(BeastMessage, AResponseHasStatusTypeIdAndFields) {
  http::Response response{.status = 429, .type = "text/plain"};
  response.fields.add("Retry-After", "7");
  beast::response_header<> head;
  fill(head, response, "id");
  EXPECT_EQ(head.result_int(), 429u);
  EXPECT_EQ(head["Content-Type"], "text/plain");
  EXPECT_EQ(head["x-request-id"], "id");
  EXPECT_EQ(head["Retry-After"], "7");
  beast::response_header<> without_type;
  fill(without_type, {.status = 204, .type = ""}, "id");
  EXPECT_EQ(without_type.count("Content-Type"), 0u);
}

}  // namespace
}  // namespace e5v::net
