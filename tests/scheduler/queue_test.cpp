#include "scheduler/queue.h"

#include <gmock/gmock.h>

#include "scheduler/fake_worker.h"

namespace e5v::scheduler {
namespace {

using std::chrono::hours;

class Waiting : public testing::Test {
 protected:
  /// A job of a text, and a ticket that waits for it.
  std::shared_ptr<Ticket> text(const std::string& text, SubmitOptions options = {}) {
    const auto job = queue_.add({Input::from_text(text), {}, {}, options}, {10, 100});
    return ticket(job, options);
  }
  std::shared_ptr<Ticket> ticket(const std::shared_ptr<Job>& job, SubmitOptions options = {}) {
    const auto result = std::make_shared<Ticket>();
    result->options = options;
    queue_.attach(result, job);
    return result;
  }

  Queue queue_{QueueOptions{.tokens = 25, .bytes = 10'000}};
  const Clock::time_point now_ = Clock::now();
};

TEST_F(Waiting, TokensAndBytesAreBounded) {
  EXPECT_TRUE(queue_.has_room({1'000'000, 1'000'000}));  // it alone
  const auto first = text("a");
  EXPECT_TRUE(queue_.has_room({15, 0}));
  EXPECT_FALSE(queue_.has_room({16, 0}));
  EXPECT_TRUE(queue_.has_room({0, 10'000 - 100 - 2 * Queue::kTicketBytes}));
  EXPECT_FALSE(queue_.has_room({0, 10'001 - 100 - 2 * Queue::kTicketBytes}));
  const auto second = ticket(first->job);
  EXPECT_FALSE(queue_.has_room({0, 10'000 - 100 - 2 * Queue::kTicketBytes}));
  queue_.detach(first);
  queue_.detach(second);
  EXPECT_EQ(queue_.jobs(), 0);
  EXPECT_EQ(queue_.size().tokens, 0);
  EXPECT_EQ(queue_.size().bytes, 0);
}

TEST_F(Waiting, AJobCountsWhatItTakesOncePrepared) {
  text("abc");
  const auto job = queue_.take_to_prepare(true);
  EXPECT_EQ(queue_.take_to_prepare(true), nullptr);
  queue_.make_ready(job, test::fake_text("abc"));
  EXPECT_EQ(queue_.size().tokens, 3);
  EXPECT_EQ(queue_.size().bytes, 3 * static_cast<std::int64_t>(sizeof(embed::Symbol)) + Queue::kTicketBytes);
  EXPECT_EQ(queue_.ready_bytes(), queue_.size().bytes - Queue::kTicketBytes);
  BatchPolicy policy([](std::int64_t) { return 100; });
  EXPECT_EQ(queue_.take_batch(policy).jobs.size(), 1u);
  EXPECT_EQ(queue_.ready_bytes(), 0);
  EXPECT_FALSE(queue_.has_ready());
  EXPECT_EQ(queue_.jobs(), 1);  // it is being computed
  EXPECT_EQ(queue_.detach_all(*job).size(), 1u);
  queue_.remove(job);
  EXPECT_EQ(queue_.size().bytes, 0);
}

TEST_F(Waiting, TextsAreTakenFirstAndTheUrgentBeforeThem) {
  queue_.add({test::image_input(1)}, {});
  text("late");
  text("urgent", {.priority = 1});
  EXPECT_EQ(*queue_.take_to_prepare(true)->request.input.text, "urgent");
  EXPECT_EQ(*queue_.take_to_prepare(true)->request.input.text, "late");
  EXPECT_EQ(queue_.take_to_prepare(false), nullptr);
  EXPECT_TRUE(queue_.take_to_prepare(true)->image);
}

TEST_F(Waiting, ClientsTakeTurns) {
  for (const char* name : {"a1", "a2", "a3"}) text(name, {.client = "a"});
  for (const char* name : {"b1", "b2"}) text(name, {.client = "b"});
  std::string order;
  while (const auto job = queue_.take_to_prepare(true)) order += *job->request.input.text + " ";
  EXPECT_EQ(order, "a1 b1 a2 b2 a3 ");
}

TEST_F(Waiting, AClientThatComesLaterNeedNotWaitForAllOfTheFirst) {
  BatchPolicy policy([](std::int64_t) { return 3; });
  for (const char* name : {"a1", "a2", "a3"}) text(name, {.client = "a"});
  for (int i = 0; i < 2; ++i) {
    const auto job = queue_.take_to_prepare(true);
    queue_.make_ready(job, test::fake_text(*job->request.input.text));
  }
  queue_.take_batch(policy);
  queue_.take_batch(policy);
  text("b1", {.client = "b"});
  EXPECT_EQ(*queue_.take_to_prepare(true)->request.input.text, "b1");
}

TEST_F(Waiting, WhatIsNotComputedDoesNotDelayItsClient) {
  const auto removed = text("a1", {.client = "a"});
  const auto unused = text("a2", {.client = "a"}), ready = text("a3", {.client = "a"});
  queue_.detach(removed);
  const auto failed = queue_.take_to_prepare(true);
  EXPECT_EQ(*failed->request.input.text, "a2");
  queue_.detach_all(*failed);
  queue_.remove(failed);
  queue_.make_ready(queue_.take_to_prepare(true), test::fake_text("a3"));
  queue_.detach(ready);
  for (const char* name : {"b1", "b2"}) text(name, {.client = "b"});
  text("a4", {.client = "a"});
  EXPECT_EQ(*queue_.take_to_prepare(true)->request.input.text, "b1");
  EXPECT_EQ(*queue_.take_to_prepare(true)->request.input.text, "a4");
}

TEST_F(Waiting, WhatIsComputedDelaysItsClient) {
  text("a1", {.client = "a"});
  const auto computed = queue_.take_to_prepare(true);
  queue_.make_ready(computed, test::fake_text("a1"));
  BatchPolicy policy([](std::int64_t) { return 100; });
  queue_.take_batch(policy);
  queue_.detach_all(*computed);
  queue_.remove(computed);
  text("a2", {.client = "a"});
  text("b1", {.client = "b"});
  EXPECT_EQ(*queue_.take_to_prepare(true)->request.input.text, "b1");
}

// Otherwise a client could take another one's share, with tickets for the other one's inputs.
TEST_F(Waiting, ATicketIsInTheShareOfItsOwnClient) {
  constexpr std::int64_t kRoom = 7'500 - 100 - 2 * Queue::kTicketBytes;  // the input and two tickets fill the rest
  const auto first = text("a", {.client = "a"});
  std::vector<std::shared_ptr<Ticket>> others;
  for (int i = 0; i < 3; ++i) others.push_back(ticket(first->job, {.client = "b"}));
  EXPECT_TRUE(queue_.has_room({0, kRoom}, "a"));
  EXPECT_FALSE(queue_.has_room({0, kRoom + 1}, "a"));
  constexpr std::int64_t kRoomOfOther = 7'500 - 4 * Queue::kTicketBytes;
  EXPECT_TRUE(queue_.has_room({0, kRoomOfOther}, "b"));
  EXPECT_FALSE(queue_.has_room({0, kRoomOfOther + 1}, "b"));
  queue_.detach(others[0]);
  EXPECT_TRUE(queue_.has_room({0, kRoomOfOther + Queue::kTicketBytes}, "b"));
  queue_.remove(first->job);
  queue_.detach_all(*others[1]->job);
  EXPECT_EQ(queue_.size().bytes, 0);
}

TEST_F(Waiting, AClientMayFillThreeQuarters) {
  const auto held = text("a", {.client = "a"});
  EXPECT_TRUE(queue_.has_room({8, 0}, "a"));
  EXPECT_FALSE(queue_.has_room({9, 0}, "a"));
  EXPECT_TRUE(queue_.has_room({15, 0}, "b"));
  EXPECT_TRUE(queue_.has_room({15, 0}));
  queue_.detach(held);
  text("b", {.client = "b"});
  EXPECT_TRUE(queue_.has_room({15, 0}, "a"));
}

TEST_F(Waiting, AJobIsAsUrgentAsTheMostUrgentThatWaitForIt) {
  const auto first = text("a"), second = text("b");
  ticket(second->job, {.priority = 3});
  EXPECT_EQ(*queue_.take_to_prepare(true)->request.input.text, "b");
  EXPECT_EQ(*queue_.take_to_prepare(true)->request.input.text, "a");
}

TEST_F(Waiting, ExpiresWhatIsNotComputedYet) {
  const auto early = text("early", {.deadline = now_}), late = text("late", {.deadline = now_ + hours(1)});
  const auto computed = text("computed", {.priority = 1, .deadline = now_});
  const auto job = queue_.take_to_prepare(true);
  queue_.make_ready(job, test::fake_text("computed"));
  BatchPolicy policy([](std::int64_t) { return 100; });
  queue_.take_batch(policy);
  EXPECT_EQ(queue_.next_deadline(), now_);
  EXPECT_THAT(queue_.expired(now_), testing::ElementsAre(early));
  EXPECT_EQ(queue_.next_deadline(), now_ + hours(1));
  queue_.detach(late);
  EXPECT_EQ(queue_.next_deadline(), std::nullopt);
  EXPECT_EQ(queue_.jobs(), 1);
}

TEST_F(Waiting, AJobIsKnownByItsContentWhileItIsThere) {
  const auto first = text("a");
  queue_.set_key(first->job, {1, 2});
  EXPECT_EQ(queue_.find({1, 2}), first->job);
  EXPECT_EQ(queue_.find({2, 2}), nullptr);
  queue_.detach(first);
  EXPECT_EQ(queue_.find({1, 2}), nullptr);
}

TEST_F(Waiting, WhatAThreadIsAtStaysWhenNobodyWaitsForItAnyMore) {
  const auto one = text("one"), other = text("other");
  const auto job = queue_.take_to_prepare(true);
  EXPECT_EQ(queue_.waiting().size(), 2u);
  EXPECT_EQ(queue_.jobs(), 1);
  EXPECT_TRUE(job->tickets.empty());
  queue_.remove(job);
  EXPECT_EQ(queue_.jobs(), 0);
}

}  // namespace
}  // namespace e5v::scheduler
