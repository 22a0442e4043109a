#include "net/outbox.h"

#include <gmock/gmock.h>

#include <thread>

namespace e5v::net {
namespace {

using Next = Outbox::Next;

/// An outbox whose context runs when a test says so.
class AnOutbox : public testing::Test {
 protected:
  void run() {
    io_->restart();
    io_->run();
  }

  std::shared_ptr<SharedLimit> limit_ = std::make_shared<SharedLimit>(4000);
  std::shared_ptr<boost::asio::io_context> io_ = std::make_shared<boost::asio::io_context>();
  std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>(io_->get_executor(), io_, Share(limit_, "client"));
  std::shared_ptr<http::Responder> responder_ = make_responder(outbox_);
};

TEST_F(AnOutbox, AWholeAnswerIsTakenOnce) {
  EXPECT_TRUE(outbox_->take().empty());
  responder_->send({.status = 201, .body = "whole"});
  const Next next = outbox_->take();
  ASSERT_TRUE(next.head);
  EXPECT_EQ(next.head->status, 201);
  EXPECT_EQ(next.head->body, "whole");
  EXPECT_TRUE(next.ended);
  EXPECT_FALSE(next.streams || next.broken);
  EXPECT_TRUE(outbox_->take().empty());
}

TEST_F(AnOutbox, OnlyTheFirstAnswerCounts) {
  responder_->send({.status = 200});
  responder_->send({.status = 500});
  responder_->begin({.status = 404})->write("late");
  EXPECT_EQ(outbox_->take().head->status, 200);
  EXPECT_FALSE(outbox_->take().head);
}

TEST_F(AnOutbox, PiecesAreJoinedUntilTheyAreTaken) {
  const auto stream = responder_->begin({.status = 200});
  stream->write("a");
  stream->write("b");
  Next next = outbox_->take();
  EXPECT_TRUE(next.head && next.streams);
  EXPECT_EQ(next.piece, "ab");
  EXPECT_FALSE(next.ended || next.broken);
  stream->write("c");
  stream->end();
  next = outbox_->take();
  EXPECT_FALSE(next.head);
  EXPECT_EQ(next.piece, "c");
  EXPECT_TRUE(next.ended);
}

TEST_F(AnOutbox, TheLogOfAStreamMayChange) {
  const auto stream = responder_->begin({.log = "first"});
  EXPECT_EQ(outbox_->take().log, std::nullopt);
  stream->set_log("last");
  stream->end();
  const Next next = outbox_->take();
  EXPECT_EQ(next.log, "last");
  EXPECT_TRUE(next.ended);
}

/// A client must see that the body is incomplete.
TEST_F(AnOutbox, AStreamWithoutItsEndIsBroken) {
  auto stream = responder_->begin({.status = 200});
  stream->write("half");
  stream.reset();
  EXPECT_TRUE(outbox_->take().broken);
  stream = make_responder(outbox_)->begin({.status = 200});
  stream->end();
  stream.reset();
  EXPECT_FALSE(outbox_->take().broken);
}

TEST_F(AnOutbox, AResponderWithoutAnAnswerIsBroken) {
  responder_.reset();
  const Next next = outbox_->take();
  EXPECT_TRUE(next.broken);
  EXPECT_FALSE(next.head);
}

TEST_F(AnOutbox, AnAnsweredOneIsNotBrokenByItsResponder) {
  responder_->send({.status = 200});
  responder_.reset();
  EXPECT_FALSE(outbox_->take().broken);
}

TEST_F(AnOutbox, AfterItsEndNothingIsKept) {
  const auto stream = responder_->begin({.status = 200});
  outbox_->close();
  stream->write(std::string(1000, 'x'));
  EXPECT_EQ(outbox_->take().piece, "");
  const auto second = make_responder(outbox_);
  second->send({.status = 200});
  EXPECT_FALSE(outbox_->take().head);
}

TEST_F(AnOutbox, CountsDataUntilTheyAreSent) {
  const auto stream = responder_->begin({.status = 200});
  stream->write(std::string(1000, 'x'));
  stream->write(std::string(500, 'x'));
  EXPECT_EQ(limit_->used(), 1500u);
  outbox_->take();
  EXPECT_EQ(limit_->used(), 1500u);  // it is being sent
  stream->write(std::string(100, 'x'));
  EXPECT_EQ(limit_->used(), 1600u);
  outbox_->take();
  EXPECT_EQ(limit_->used(), 100u);
  outbox_->close();
  EXPECT_EQ(limit_->used(), 0u);
}

TEST_F(AnOutbox, DropsWhatDoesNotFit) {
  responder_->send({.body = std::string(3001, 'x')});
  Next next = outbox_->take();
  EXPECT_TRUE(next.dropped && next.ended);
  EXPECT_FALSE(next.head || next.empty());
  EXPECT_EQ(limit_->used(), 0u);
  const auto stream = make_responder(outbox_)->begin({.status = 200});
  stream->write(std::string(2000, 'x'));
  stream->write(std::string(2000, 'x'));
  stream->write(std::string(500, 'x'));
  next = outbox_->take();
  EXPECT_EQ(next.piece.size(), 2000u);
  EXPECT_TRUE(next.broken);
}

/// Whoever waits for something to send is woken by it, from any thread.
TEST_F(AnOutbox, WhatIsAddedEndsTheWaiting) {
  int woken = 0;
  const auto wait = [&](const std::function<void()>& add) {
    outbox_->changed().expires_after(std::chrono::seconds(30));
    outbox_->changed().async_wait([&](const boost::system::error_code& error) {
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

TEST_F(AnOutbox, DeferredWorkRunsOnTheServersThreads) {
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
