#include "net/server.h"

#include <gmock/gmock.h>
#include <sys/un.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "client.h"
#include "temporary_folder.h"

namespace e5v::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Answers what it got. Paths: /no is refused, /hold waits until release(), /pieces comes in three, /drop gets no
/// answer.
class Echo : public http::Handler {
 public:
  std::variant<http::BodyLimit, http::Response> admit(const http::Request& head) override {
    if (head.path == "/no") return http::Response{401, "text/plain", "no key"};
    return http::BodyLimit{1000};
  }
  void handle(http::Request request, std::shared_ptr<http::Responder> responder) override {
    if (request.path == "/drop") return;
    if (request.path == "/pieces") {
      const auto stream = responder->begin({200, "text/plain"});
      for (const char* piece : {"one ", "two ", "three"}) stream->write(piece);
      if (request.query != "broken") stream->end();
      return;
    }
    if (request.path == "/hold") {
      const std::lock_guard lock(mutex_);
      held_.push_back({responder, request.gone});
      changed_.notify_all();
      return;
    }
    responder->send(
        {200, "text/plain", request.method + " " + request.path + " " + request.query + " [" + request.body + "]"});
  }
  http::Response refuse(const http::Request&, int status, std::string_view reason) override {
    return {status, "text/plain", std::string(reason)};
  }
  void completed(const http::Completed& exchange) override {
    const std::lock_guard lock(mutex_);
    statuses_.push_back(exchange.status);
    changed_.notify_all();
  }

  /// Waits until so many requests are held.
  bool wait_for_held(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(5), [&] { return held_.size() >= count; });
  }
  bool wait_for_status(int status) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(5), [&] { return std::ranges::find(statuses_, status) != statuses_.end(); });
  }
  std::stop_token gone() {
    const std::lock_guard lock(mutex_);
    return held_.front().gone;
  }
  void release() {
    std::vector<Held> held;
    {
      const std::lock_guard lock(mutex_);
      held.swap(held_);
    }
    for (const Held& one : held) one.responder->send({200, "text/plain", "released"});
  }

 private:
  struct Held {
    std::shared_ptr<http::Responder> responder;
    std::stop_token gone;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Held> held_;
  std::vector<int> statuses_;
};

class Serving : public testing::Test {
 protected:
  void start(Limits limits = {}) {
    server_.emplace(ServerOptions{.listen = {"127.0.0.1:0"}, .limits = limits}, echo_);
    server_->start();
  }
  std::string address() const { return server_->addresses().front(); }
  /// What one request gets, on a connection of its own.
  std::string ask(std::string_view request, std::string_view end = "<end>") {
    Client client(address());
    client.send(request);
    return client.read(end);
  }

  Echo echo_;
  std::optional<Server> server_;
};

TEST_F(Serving, ARequestReachesTheHandlerAndItsAnswerTheClient) {
  start();
  const std::string answer = ask("POST /a%20b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "]");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nPOST /a b c=d [hello]"));
}

TEST_F(Serving, AConnectionServesOneRequestAfterAnotherEvenWhenTheyComeTogether) {
  start();
  Client client(address());
  client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read("]"), HasSubstr("GET /1  []"));
  EXPECT_THAT(client.read("]"), HasSubstr("GET /2  []"));
  client.send("GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.read(), testing::EndsWith("GET /3  []<end>"));
}

TEST_F(Serving, RequestIdsAreKeptOrMade) {
  start();
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine-7\r\n\r\n", "]"),
              HasSubstr("x-request-id: mine-7\r\n"));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a b\r\n\r\n", "]"),
              testing::ContainsRegex("x-request-id: [0-9a-f]{16}\r\n"));
}

TEST_F(Serving, ABodyIsAskedForOnlyWhenItIsWelcome) {
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

TEST_F(Serving, LargeBodiesAreRefusedWithoutReadingThem) {
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

TEST_F(Serving, BodiesTogetherAreLimited) {
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

TEST_F(Serving, WhatIsNoHttpIs400) {
  start();
  for (const char* request : {"junk\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
                              "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                              "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
                              "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"}) {
    const std::string answer = ask(request);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << request;
    EXPECT_THAT(answer, testing::EndsWith("<end>")) << request;
  }
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nX: " + std::string(40'000, 'a') + "\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
}

TEST_F(Serving, SlowRequestsEnd) {
  start({.header_time = milliseconds(200), .body_time = milliseconds(200), .idle_time = milliseconds(300)});
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHos"), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(ask(""), "<end>");
}

TEST_F(Serving, AClientThatGoesAwayIsNoticed) {
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

TEST_F(Serving, AnAnswerInPiecesIsChunked) {
  start();
  const std::string answer = ask("GET /pieces HTTP/1.1\r\nHost: x\r\n\r\n", "0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n0\r\n\r\n"));
  EXPECT_THAT(ask("GET /pieces HTTP/1.0\r\n\r\n"), testing::EndsWith("\r\n\r\none two three<end>"));
  EXPECT_THAT(ask("GET /pieces?broken HTTP/1.1\r\nHost: x\r\n\r\n"), Not(HasSubstr("0\r\n\r\n")));
}

TEST_F(Serving, ARequestThatIsForgottenIs500) {
  start();
  EXPECT_THAT(ask("GET /drop HTTP/1.1\r\nHost: x\r\n\r\n", "answered"), StartsWith("HTTP/1.1 500 "));
}

TEST_F(Serving, HeadHasNoBody) {
  start();
  const std::string answer = ask("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 11\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n<end>"));
}

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

TEST_F(Serving, ThousandConnectionsMayWait) {
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
