#include "net/server.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/error.h"
#include "net/serving.h"

namespace e5v::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(Serving, MoreConnectionsThanAllowedGet503) {
  start({.connections = 2});
  Client first(address()), second(address());
  first.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(first.read("]"), HasSubstr("[]"));
  second.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(second.read("]"), HasSubstr("[]"));
  EXPECT_THAT(ask(""), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(server_->connections().refused, 1);
  first.close();
  for (int i = 0; i < 100 && server_->connections().open > 1; ++i) std::this_thread::sleep_for(milliseconds(20));
  EXPECT_THAT(ask("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n", "]"), HasSubstr("[]"));
}

TEST_F(Serving, HundredsOfConnectionsMayWait) {
  start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 400; ++i) clients.push_back(std::make_unique<Client>(address()));
  EXPECT_THAT(ask("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n", "]"), HasSubstr("[]"));
  for (int i = 0; i < 100 && server_->connections().open < 400; ++i) std::this_thread::sleep_for(milliseconds(20));
  EXPECT_GE(server_->connections().open, 400);
}

TEST_F(Serving, DrainingAnswersWhatWasAccepted) {
  start();
  Client idle(address()), waiting(address());
  waiting.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(echo_.wait_for_held(1));
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(300));
    echo_.release();
  });
  EXPECT_TRUE(server_->drain(seconds(5)));
  later.join();
  EXPECT_EQ(idle.read(), "<end>");
  const std::string answer = waiting.read();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("released<end>"));
}

TEST_F(Serving, DrainingEndsAtItsLimit) {
  start();
  Client waiting(address());
  waiting.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(echo_.wait_for_held(1));
  EXPECT_FALSE(server_->drain(milliseconds(100)));
  server_->stop();
  EXPECT_EQ(waiting.read(), "<end>");
  echo_.release();
}

TEST(ServerOptions, AnAddressIsNeeded) {
  Echo echo;
  EXPECT_THROW(Server({}, echo), InvalidInput);
}

}  // namespace
}  // namespace e5v::net
