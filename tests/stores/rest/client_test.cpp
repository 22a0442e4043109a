#include "stores/rest/client.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "stores/rest/json_server.h"

namespace e5v::stores::rest {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

TEST(ClientTest, RequestsHaveMethodFieldsAndContent) {
  test::JsonServer server([](const http::Request& request, const Json& content) {
    return std::pair(request.method == "DELETE" ? 404 : 200,
                     Json{{"method", request.method},
                          {"path", request.path},
                          {"key", std::string(request.fields.find("api-key"))},
                          {"type", std::string(request.fields.find("Content-Type"))},
                          {"content", content}});
  });
  Client client(StoreUrl("x://" + server.place() + "/c"), 1, {"api-key: secret"});
  Answer answer = client.send("PUT", "/a", {{"n", 1}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body,
            Json::parse(R"({"method":"PUT","path":"/a","key":"secret","type":"application/json","content":{"n":1}})"));
  answer = client.send("GET", "/b");
  EXPECT_EQ(answer.body["method"], "GET");
  EXPECT_TRUE(answer.body["content"].is_null());
  answer = client.send("DELETE", "/a");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body["path"], "/a") << "bodies of errors are read, too";
  const std::string large(std::size_t{3} << 20, 'x');
  EXPECT_EQ(client.send("POST", "/a", large).body["content"], large);
}

TEST(ClientTest, AnswersWithoutAMemberAreRefused) {
  EXPECT_EQ(member_of({{"a", 1}}, "a", "the server"), 1);
  for (const Json& answer : {Json(), Json(1), Json::array(), Json::object()})
    EXPECT_THAT([&] { member_of(answer, "a", "the server"); },
                ThrowsMessage<DeviceError>("[the server] the server's answer lacks a"));
}

TEST(ClientTest, WhatIsNoJsonIsNull) {
  test::JsonServer server([](const http::Request&, const Json&) { return std::pair(500, Json("<html>")); });
  Client client(StoreUrl("x://" + server.place()), 1, {});
  const Answer answer = client.send("GET", "/");
  EXPECT_EQ(answer.status, 500);
  EXPECT_TRUE(answer.body.is_null());
}

TEST(ClientTest, AServerThatIsNotThereIsNamed) {
  Client client(StoreUrl("x://me:secret@127.0.0.1"), 1, {});
  EXPECT_THAT([&] { client.send("GET", "/"); },
              ThrowsMessage<DeviceError>(
                  AllOf(HasSubstr("[x://me:***@127.0.0.1] the server gives no answer: it cannot be reached"),
                        Not(HasSubstr("secret")))));
}

}  // namespace
}  // namespace e5v::stores::rest
