#include "net/server.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <thread>

#include "base/error.h"
#include "net/listener.h"
#include "net/serving.h"
#include "temporary_folder.h"

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

/// Clients connect while the server stops to listen.
TEST_F(Serving, DrainingAndConnectingAtOnce) {
  for (int i = 0; i < 20; ++i) {
    start();
    std::vector<std::jthread> clients;
    for (int j = 0; j < 3; ++j)
      clients.emplace_back([this, place = address()] {
        const Client client(place, false);
        const Client second(place, false);
      });
    EXPECT_TRUE(server_->drain(seconds(5)));
    clients.clear();
    EXPECT_TRUE(server_->stop());
  }
}

TEST_F(Serving, StoppingEndsAtItsLimit) {
  start();
  Client client(address());
  client.send("GET /block HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(echo_.wait_for_held(1));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(server_->stop(milliseconds(200)));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(5));
  echo_.release();
  EXPECT_TRUE(server_->stop());
}

TEST_F(Serving, AnExceptionOfDeferredWorkEndsNothingElse) {
  start();
  testing::internal::CaptureStderr();
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(ask("GET /throw-later HTTP/1.1\r\nHost: x\r\n\r\n", "]"), HasSubstr("/throw-later  []"));
  server_->stop();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), StartsWith("warning: [server] it is broken later\n"));
}

TEST_F(Serving, OneAddressLeavesConnectionsToOthers) {
  start({.connections = 4});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(address()));
    clients.back()->send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(clients.back()->read("]"), HasSubstr("[]"));
  }
  EXPECT_THAT(ask(""), StartsWith("HTTP/1.1 503 "));
  Client other(address(), true, INADDR_LOOPBACK + 1);
  other.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(other.read("]"), HasSubstr("[]"));
}

TEST(AServer, RemovesOnlyItsOwnUnixSockets) {
  const test::TemporaryFolder folder;
  Echo echo;
  const std::filesystem::path file = folder.path() / "s";
  const std::vector<Listener> listeners = listen_on("unix:" + file.string());  // as systemd does
  Server adopting({.listen = {}, .sockets = {listeners[0].socket}}, echo);
  adopting.start();
  adopting.stop();
  EXPECT_TRUE(std::filesystem::exists(file));
  Server listening({.listen = {"unix:" + (folder.path() / "own").string()}}, echo);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "own"));
  listening.start();
  listening.stop();
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "own"));
}

TEST(ServerOptions, AnAddressIsNeeded) {
  Echo echo;
  EXPECT_THROW(Server({}, echo), InvalidInput);
}

}  // namespace
}  // namespace e5v::net
