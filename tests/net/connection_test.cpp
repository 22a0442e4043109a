#include "net/connection.h"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <future>
#include <thread>

#include "net/serving.h"

namespace e5v::net {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Connections : public Serving {};

TEST_F(Connections, ARequestReachesTheHandlerAndItsAnswerTheClient) {
  start();
  const std::string answer = ask("POST /a%20b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "]");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nPOST /a b c=d [hello]"));
}

TEST_F(Connections, AConnectionServesOneRequestAfterAnotherEvenWhenTheyComeTogether) {
  start();
  Client client(address());
  client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read("]"), HasSubstr("GET /1  []"));
  EXPECT_THAT(client.read("]"), HasSubstr("GET /2  []"));
  client.send("GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.read(), EndsWith("GET /3  []<end>"));
}

TEST_F(Connections, RequestIdsAreKeptOrMade) {
  start();
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine-7\r\n\r\n", "]"),
              HasSubstr("x-request-id: mine-7\r\n"));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a b\r\n\r\n", "]"),
              testing::ContainsRegex("x-request-id: [0-9a-f]{16}\r\n"));
}

TEST_F(Connections, ABodyIsAskedForOnlyWhenItIsWelcome) {
  start();
  Client client(address());
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_THAT(client.read("]"), HasSubstr("[ok]"));
  const std::string refused = ask("POST /no HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 401 Unauthorized\r\n"));
  EXPECT_THAT(refused, Not(HasSubstr("100 Continue")));
}

TEST_F(Connections, LargeBodiesAreRefusedWithoutReadingThem) {
  start();
  EXPECT_THAT(ask("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  const std::string chunks =
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3E9\r\n" + std::string(1001, 'x') + "\r\n";
  EXPECT_THAT(ask(chunks), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(
      ask("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "]"),
      HasSubstr("[abc]"));
  EXPECT_TRUE(echo_.wait_for_status(413));
}

TEST_F(Connections, BodiesTogetherAreLimited) {
  start({.bodies_bytes = 900});
  Client first(address());
  first.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\nabc");
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_THAT(ask("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\n"), StartsWith("HTTP/1.1 503 "));
  first.send(std::string(597, 'x'));
  EXPECT_THAT(first.read("]"), StartsWith("HTTP/1.1 200 "));
  const std::string again = "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\n" + std::string(600, 'x');
  std::string answer;  // the memory is free soon after the client has its answer
  for (int i = 0; i < 100 && !answer.starts_with("HTTP/1.1 200 "); ++i) answer = ask(again, "]");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
}

TEST_F(Connections, WhatIsNoHttpIs400) {
  start();
  for (const char* request : {"junk\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
                              "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                              "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
                              "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"}) {
    const std::string answer = ask(request);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << request;
    EXPECT_THAT(answer, EndsWith("<end>")) << request;
  }
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nX: " + std::string(40'000, 'a') + "\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
}

TEST_F(Connections, SlowRequestsEnd) {
  start({.header_time = milliseconds(200), .body_time = milliseconds(200), .idle_time = milliseconds(300)});
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHos"), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(ask(""), "<end>");
}

TEST_F(Connections, AClientThatGoesAwayIsNoticed) {
  start();
  Client client(address());
  client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(echo_.wait_for_held(1));
  const std::stop_token gone = echo_.gone();
  EXPECT_FALSE(gone.stop_requested());
  client.close();
  EXPECT_TRUE(echo_.wait_for_status(499));
  EXPECT_TRUE(gone.stop_requested());
  echo_.release();  // nobody is there to get it
}

TEST_F(Connections, AnAnswerInPiecesIsChunked) {
  start();
  const std::string answer = ask("GET /pieces HTTP/1.1\r\nHost: x\r\n\r\n", "0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n0\r\n\r\n"));
  EXPECT_TRUE(echo_.wait_for_log(R"("pieces":3)"));
  EXPECT_THAT(ask("GET /pieces HTTP/1.0\r\n\r\n"), EndsWith("\r\n\r\none two three<end>"));
  EXPECT_THAT(ask("GET /pieces?broken HTTP/1.1\r\nHost: x\r\n\r\n"), Not(HasSubstr("0\r\n\r\n")));
}

TEST_F(Connections, ARequestThatIsForgottenIs500) {
  start();
  EXPECT_THAT(ask("GET /drop HTTP/1.1\r\nHost: x\r\n\r\n", "answered"), StartsWith("HTTP/1.1 500 "));
}

TEST_F(Connections, HeadHasNoBody) {
  start();
  const std::string answer = ask("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 11\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n<end>"));
}

/// A connection by itself, without a server: one end of a pair of sockets.
class OneConnection : public testing::Test {
 protected:
  OneConnection() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_), 0);
    connection_ = serve(ends_[0], boost::asio::make_strand(*io_), nullptr, shared_, io_, [this] { ++ended_; });
    thread_ = std::thread([this] { io_->run(); });
  }
  ~OneConnection() override {
    ::close(ends_[1]);
    thread_.join();  // nothing is left to do
    EXPECT_EQ(ended_, 1);
  }

  void send(std::string_view bytes) const { ::send(ends_[1], bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  /// What comes until there is `end` in it, or "<end>" with the connection's end.
  std::string read(std::string_view end) const {
    std::string seen;
    while (seen.find(end) == std::string::npos) {
      pollfd state{ends_[1], POLLIN, 0};
      if (::poll(&state, 1, 5000) <= 0) return seen + "<late>";
      char bytes[4096];
      const ssize_t size = ::recv(ends_[1], bytes, sizeof bytes, 0);
      if (size <= 0) return seen + "<end>";
      seen.append(bytes, static_cast<std::size_t>(size));
    }
    return seen;
  }
  /// Calls a function of the connection where that runs, and waits for it.
  void call(void (Connection::*function)()) {
    std::promise<void> done;
    boost::asio::post(connection_->executor(), [&] {
      ((*connection_).*function)();
      done.set_value();
    });
    done.get_future().wait();
  }

  Echo echo_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>(echo_, Limits{});
  std::shared_ptr<boost::asio::io_context> io_ = std::make_shared<boost::asio::io_context>();
  int ends_[2] = {-1, -1};
  std::atomic<int> ended_ = 0;
  std::shared_ptr<Connection> connection_;
  std::thread thread_;
};

TEST_F(OneConnection, EndsWhenItIsIdleAndAskedTo) {
  send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(read("[]"), StartsWith("HTTP/1.1 200 OK"));
  std::string last;
  for (int i = 0; i < 100 && last != "<end>"; ++i) {  // it waits for a request soon after the client has the answer
    call(&Connection::close_if_idle);
    pollfd state{ends_[1], POLLIN, 0};
    if (::poll(&state, 1, 20) > 0) last = read("<end>");
  }
  EXPECT_EQ(last, "<end>");
}

TEST_F(OneConnection, StaysWhileARequestHasNoAnswer) {
  send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(echo_.wait_for_held(1));
  EXPECT_EQ(shared_->exchanges, 1);
  call(&Connection::close_if_idle);
  echo_.release();
  EXPECT_THAT(read("released"), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(OneConnection, ThatIsCutTellsTheHandler) {
  send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(echo_.wait_for_held(1));
  const std::stop_token gone = echo_.gone();
  call(&Connection::cut);
  EXPECT_EQ(read("<end>"), "<end>");
  EXPECT_TRUE(echo_.wait_for_status(499));
  EXPECT_TRUE(gone.stop_requested());
}

/// The answer is the last one of a server that shuts down, and says so.
TEST_F(OneConnection, EndsAfterTheAnswerWhileTheServerDrains) {
  send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(echo_.wait_for_held(1));
  shared_->draining = true;
  echo_.release();
  const std::string answer = read("<end>");
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("released<end>"));
}

/// Bytes of bodies are counted until the answer is sent.
TEST_F(OneConnection, CountsTheBytesOfItsBody) {
  send("POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde");
  ASSERT_TRUE(echo_.wait_for_held(1));
  EXPECT_EQ(shared_->bodies_bytes, 5);
  echo_.release();
  read("released");
  for (int i = 0; i < 200 && shared_->bodies_bytes > 0; ++i) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(shared_->bodies_bytes, 0);
  EXPECT_EQ(shared_->exchanges, 0);
}

}  // namespace
}  // namespace e5v::net
