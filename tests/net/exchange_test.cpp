#include "net/exchange.h"

#include <gmock/gmock.h>

#include <thread>

namespace e5v::net {
namespace {

using Next = Exchange::Next;

/// An exchange whose context runs when a test says so.
class AnExchange : public testing::Test {
 protected:
  void run() {
    io_->restart();
    io_->run();
  }

  std::shared_ptr<boost::asio::io_context> io_ = std::make_shared<boost::asio::io_context>();
  std::shared_ptr<Exchange> exchange_ = std::make_shared<Exchange>(io_->get_executor(), io_);
  std::shared_ptr<http::Responder> responder_ = make_responder(exchange_);
};

TEST_F(AnExchange, AWholeAnswerIsTakenOnce) {
  EXPECT_TRUE(exchange_->take().empty());
  responder_->send({.status = 201, .body = "whole"});
  const Next next = exchange_->take();
  ASSERT_TRUE(next.head);
  EXPECT_EQ(next.head->status, 201);
  EXPECT_EQ(next.head->body, "whole");
  EXPECT_TRUE(next.ended);
  EXPECT_FALSE(next.streams || next.broken);
  EXPECT_TRUE(exchange_->take().empty());
}

TEST_F(AnExchange, OnlyTheFirstAnswerCounts) {
  responder_->send({.status = 200});
  responder_->send({.status = 500});
  responder_->begin({.status = 404})->write("late");
  EXPECT_EQ(exchange_->take().head->status, 200);
  EXPECT_FALSE(exchange_->take().head);
}

TEST_F(AnExchange, PiecesAreJoinedUntilTheyAreTaken) {
  const auto stream = responder_->begin({.status = 200});
  stream->write("a");
  stream->write("b");
  Next next = exchange_->take();
  EXPECT_TRUE(next.head && next.streams);
  EXPECT_EQ(next.piece, "ab");
  EXPECT_FALSE(next.ended || next.broken);
  stream->write("c");
  stream->end();
  next = exchange_->take();
  EXPECT_FALSE(next.head);
  EXPECT_EQ(next.piece, "c");
  EXPECT_TRUE(next.ended);
}

TEST_F(AnExchange, TheLogOfAStreamMayChange) {
  const auto stream = responder_->begin({.log = "first"});
  EXPECT_EQ(exchange_->take().log, std::nullopt);
  stream->set_log("last");
  stream->end();
  const Next next = exchange_->take();
  EXPECT_EQ(next.log, "last");
  EXPECT_TRUE(next.ended);
}

/// A client must see that the body is incomplete.
TEST_F(AnExchange, AStreamWithoutItsEndIsBroken) {
  auto stream = responder_->begin({.status = 200});
  stream->write("half");
  stream.reset();
  EXPECT_TRUE(exchange_->take().broken);
  stream = make_responder(exchange_)->begin({.status = 200});
  stream->end();
  stream.reset();
  EXPECT_FALSE(exchange_->take().broken);
}

TEST_F(AnExchange, AResponderWithoutAnAnswerIsBroken) {
  responder_.reset();
  const Next next = exchange_->take();
  EXPECT_TRUE(next.broken);
  EXPECT_FALSE(next.head);
}

TEST_F(AnExchange, AnAnsweredOneIsNotBrokenByItsResponder) {
  responder_->send({.status = 200});
  responder_.reset();
  EXPECT_FALSE(exchange_->take().broken);
}

TEST_F(AnExchange, AfterItsEndNothingIsKept) {
  const auto stream = responder_->begin({.status = 200});
  exchange_->close();
  stream->write(std::string(1000, 'x'));
  EXPECT_EQ(exchange_->take().piece, "");
  const auto second = make_responder(exchange_);
  second->send({.status = 200});
  EXPECT_FALSE(exchange_->take().head);
}

/// Whoever waits for something to send is woken by it, from any thread.
TEST_F(AnExchange, WhatIsAddedEndsTheWaiting) {
  int woken = 0;
  const auto wait = [&](const std::function<void()>& add) {
    exchange_->changed().expires_after(std::chrono::seconds(30));
    exchange_->changed().async_wait([&](const boost::system::error_code& error) {
      EXPECT_EQ(error, boost::asio::error::operation_aborted);
      ++woken;
    });
    std::thread other(add);
    run();
    other.join();
    while (io_->poll() > 0) {
    }
  };
  std::shared_ptr<http::BodyStream> stream;
  wait([&] { stream = responder_->begin({.status = 200}); });
  wait([&] { stream->write("x"); });
  wait([&] { stream->end(); });
  EXPECT_EQ(woken, 3);
}

TEST_F(AnExchange, DeferredWorkRunsOnTheServersThreads) {
  std::thread::id ran;
  responder_->defer([&] { ran = std::this_thread::get_id(); });
  EXPECT_EQ(ran, std::thread::id());
  std::thread server([&] { run(); });
  const std::thread::id of_server = server.get_id();
  server.join();
  EXPECT_EQ(ran, of_server);
}

}  // namespace
}  // namespace e5v::net
