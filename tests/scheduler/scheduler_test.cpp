#include "scheduler/scheduler.h"

#include <gmock/gmock.h>

#include <array>
#include <random>

#include "scheduler/fake_worker.h"

namespace e5v::scheduler {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

using Future = std::future<EmbeddedInput>;

class Scheduling : public testing::Test {
 protected:
  Future text(const std::string& text, SubmitOptions options = {}) {
    return scheduler_.submit({Input::from_text(text), {}, {}, std::move(options)});
  }
  Future image(int number) { return scheduler_.submit({test::image_input(number)}); }

  /// Has the compute thread held in a batch of one text, until worker_.allow().
  Future hold() {
    worker_.allow(0);
    Future held = text("held");
    worker_.wait_for(1);
    return held;
  }
  /// Waits until `count` inputs have been prepared, and all in the queue are ready except the one that is computed.
  void wait_until_prepared(int count) {
    while (worker_.prepared < count) std::this_thread::yield();
    wait_until_ready();
  }
  void wait_until_ready() {
    for (SubmitCounters now = scheduler_.counters(); now.ready + 1 != now.queued; now = scheduler_.counters())
      std::this_thread::yield();
  }

  ComputeThread compute_{1};
  test::FakeWorker worker_;
  QueueOptions options_{.tokens = 20'000, .bytes = 1 << 20, .cache_bytes = 1 << 16, .preparing_threads = 2};
  Scheduler scheduler_{compute_, worker_, options_};
};

void release(test::FakeWorker& worker) { worker.allow(std::numeric_limits<int>::max()); }

TEST_F(Scheduling, EachInputHasItsVector) {
  std::vector<Future> futures;
  for (int i = 0; i < 200; ++i) futures.push_back(text(std::string(static_cast<std::size_t>(1 + i % 50), 'a')));
  for (int i = 0; i < 200; ++i) {
    const EmbeddedInput found = futures[static_cast<std::size_t>(i)].get();
    EXPECT_THAT(found.vector, ElementsAre(static_cast<float>(1 + i % 50), 'a'));
    EXPECT_EQ(found.tokens, 1 + i % 50);
    EXPECT_TRUE(found.fingerprint);
  }
  const SubmitCounters counters = scheduler_.counters();
  EXPECT_EQ(counters.submitted, 200);
  EXPECT_EQ(counters.done, 200);
  EXPECT_EQ(counters.inputs, 50);  // the others were known or under way
  EXPECT_EQ(counters.cache_hits + counters.shared, 150);
  EXPECT_GE(counters.compute_seconds, 0);
}

TEST_F(Scheduling, ManyThreadsSubmitCancelAndExpire) {
  std::atomic<int> good = 0, bad = 0, cancelled = 0, expired = 0, wrong = 0, told = 0;
  constexpr int kThreads = 8, kEach = 150;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 random(static_cast<unsigned>(t));
        for (int i = 0; i < kEach; ++i) {
          const unsigned kind = random() % 8;
          const std::string name = fmt::format("{} {} {}", kind == 0 ? "bad" : "text", t, i);
          std::stop_source stop;
          SubmitOptions options{static_cast<int>(random() % 3), std::nullopt, {}};
          if (kind == 1) options.deadline = Clock::now() + milliseconds(random() % 3);
          if (kind == 2) options.cancel = stop.get_token();
          const Input input = kind == 3 ? test::image_input(static_cast<int>(random() % 20)) : Input::from_text(name);
          Future future = scheduler_.submit({input, {}, {}, options});
          if (kind == 2) stop.request_stop();
          ++told;
          try {
            const EmbeddedInput found = future.get();
            wrong += input.images.empty() && found.vector != test::FakeWorker::vector_of(name);
            ++good;
          } catch (const InvalidInput&) {
            ++bad;
          } catch (const Cancelled&) {
            ++cancelled;
          } catch (const DeadlineExceeded&) {
            ++expired;
          }
        }
      });
    }
  }
  EXPECT_EQ(told, kThreads * kEach);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(good + bad + cancelled + expired, kThreads * kEach);
  const SubmitCounters counters = scheduler_.counters();
  EXPECT_EQ(counters.done, good);
  EXPECT_EQ(counters.failed, bad);
  EXPECT_EQ(counters.cancelled, cancelled);
  EXPECT_EQ(counters.expired, expired);
  EXPECT_EQ(counters.queued, 0);
  EXPECT_EQ(counters.queued_tokens, 0);
  EXPECT_EQ(counters.queued_bytes, 0);
}

TEST_F(Scheduling, BatchesFormOfWhatIsThereWhenTheComputeIsFree) {
  Future held = hold();
  std::vector<Future> futures;
  for (int i = 0; i < 4; ++i) futures.push_back(text(fmt::format("text number {:08}", i)));  // 20 tokens each
  wait_until_prepared(5);
  release(worker_);
  for (Future& future : futures) future.get();
  EXPECT_EQ(worker_.batches().size(), 2u);
}

TEST_F(Scheduling, VectorsSayHowLongTheirInputWaited) {
  Future held = hold();
  Future waits = text("waits");
  wait_until_prepared(2);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  release(worker_);
  EXPECT_LT(held.get().queue_seconds, 1);
  EXPECT_GE(waits.get().queue_seconds, 0.02);
  EXPECT_EQ(text("waits").get().queue_seconds, 0) << "the vector is cached";
}

// The throughput of a stream needs its number of batches, however the inputs come.
TEST_F(Scheduling, InputsThatComeOneByOneNeedAsFewBatchesAsAList) {
  Future held = hold();
  std::vector<Future> futures;
  for (int i = 0; i < 64; ++i) {
    futures.push_back(text(fmt::format("caption {:02}", i)));  // 10 tokens each: ten in a batch
    if (i % 16 == 15) futures.push_back(image(i));
  }
  wait_until_prepared(1 + 64 + 4);
  release(worker_);
  for (Future& future : futures) future.get();
  // Four images, and 64 texts of which each image takes two along: 56 in six batches.
  EXPECT_LE(worker_.batches().size(), 1u + 4 + 7);
}

TEST_F(Scheduling, ALoneTextWaitsForOneBatchWhileImagesAreQueued) {
  worker_.allow(0);
  std::vector<Future> images;
  for (int number = 0; number < 6; ++number) images.push_back(image(number));
  worker_.wait_for(1);
  while (worker_.decoded < 6) std::this_thread::yield();
  Future lone = text("lone");
  wait_until_prepared(7);
  worker_.allow(2);
  lone.get();  // or it waits for ever
  const auto batches = worker_.batches();
  ASSERT_GE(batches.size(), 2u);
  EXPECT_THAT(batches[0], ElementsAre("image 0"));
  EXPECT_THAT(batches[1], ElementsAre("lone"));
  release(worker_);
  for (Future& future : images) future.get();
}

TEST_F(Scheduling, ThoseOfHigherPriorityComeFirst) {
  Future held = hold();
  const std::string tail(70, '.');  // two do not fit one batch
  std::vector<Future> futures;
  for (const int priority : {0, 2, 1}) futures.push_back(text(std::to_string(priority) + tail, {.priority = priority}));
  wait_until_prepared(4);
  release(worker_);
  for (Future& future : futures) future.get();
  std::string order;
  for (const auto& batch : worker_.batches()) order += batch[0][0];
  EXPECT_EQ(order, "h210");
}

TEST_F(Scheduling, CancelledInputsAreDroppedAndThoseThatHaveBegunEnd) {
  std::stop_source begun, waiting;
  worker_.allow(0);
  Future first = text("begun", {.cancel = begun.get_token()});
  worker_.wait_for(1);
  Future second = text("waiting", {.cancel = waiting.get_token()}), other = text("waiting");
  begun.request_stop();
  waiting.request_stop();
  EXPECT_THAT([&] { second.get(); },
              ThrowsMessage<Cancelled>("[submit] the input was cancelled before it was computed"));
  Future late = text("late", {.cancel = waiting.get_token()});
  EXPECT_THROW(late.get(), Cancelled);
  release(worker_);
  EXPECT_EQ(first.get().vector.size(), 2u);
  EXPECT_EQ(other.get().vector.size(), 2u);  // somebody else wanted the same
  EXPECT_EQ(scheduler_.counters().cancelled, 2);
}

TEST_F(Scheduling, WhatHasNotBegunByItsDeadlineFailsWhileOthersAreComputed) {
  Future held = hold();
  Future late = text("late", {.deadline = Clock::now() + milliseconds(5)});
  Future in_time = text("in time", {.deadline = Clock::now() + hours(1)});
  EXPECT_THAT([&] { late.get(); }, ThrowsMessage<DeadlineExceeded>(HasSubstr("[submit] the deadline passed after ")));
  release(worker_);
  EXPECT_EQ(in_time.get().vector.size(), 2u);
  EXPECT_EQ(scheduler_.counters().expired, 1);
}

TEST_F(Scheduling, TheDeadlineOfAnInputThatJoinsAnotherIsWatched) {
  Future held = hold();
  Future first = text("twice");
  wait_until_prepared(2);
  Future second = text("twice", {.deadline = Clock::now() + milliseconds(5)});
  EXPECT_THAT([&] { second.get(); }, ThrowsMessage<DeadlineExceeded>(HasSubstr("[submit] the deadline passed after ")));
  EXPECT_EQ(scheduler_.counters().shared, 1);
  release(worker_);
  EXPECT_EQ(first.get().vector.size(), 2u);
}

TEST_F(Scheduling, AClientThatCancelledInputsDoesNotWaitForThem) {
  Future held = hold();
  const std::string tail(70, '.');  // two do not fit one batch
  std::vector<Future> futures;
  std::stop_source stop;
  for (int i = 0; i < 50; ++i)
    futures.push_back(text(std::to_string(i) + "cancelled" + tail, {.cancel = stop.get_token(), .client = "a"}));
  stop.request_stop();
  for (Future& future : futures) EXPECT_THROW(future.get(), Cancelled);
  futures.clear();
  while (scheduler_.counters().queued > 1) std::this_thread::yield();  // one that is being prepared leaves after that
  for (const char* name : {"1", "2", "3"}) futures.push_back(text(name + tail, {.client = "b"}));
  futures.push_back(text("a" + tail, {.client = "a"}));
  wait_until_ready();
  release(worker_);
  for (Future& future : futures) future.get();
  std::string order;
  for (const auto& batch : worker_.batches()) order += batch[0][0];
  EXPECT_EQ(order, "h1a23");
}

TEST_F(Scheduling, AFullQueueThrows) {
  Future held = hold();
  std::vector<Future> futures;
  EXPECT_THAT(
      [&] {
        for (int i = 0;; ++i) futures.push_back(image(i));
      },
      ThrowsMessage<Overloaded>(HasSubstr("of 20000 tokens and ")));
  EXPECT_GE(futures.size(), 8u);
  EXPECT_EQ(scheduler_.counters().overloaded, 1);
  EXPECT_EQ(scheduler_.counters().submitted, static_cast<std::int64_t>(futures.size()) + 1);
  release(worker_);
  for (Future& future : futures) future.get();
  EXPECT_EQ(image(200).get().vector.size(), 2u);  // there is room again
}

TEST_F(Scheduling, ManyTicketsForOneInputFillTheQueueToo) {
  Future held = hold();
  std::vector<Future> futures;
  EXPECT_THROW(
      {
        for (int i = 0; i < 100'000; ++i) futures.push_back(text("the same"));
      },
      Overloaded);
  release(worker_);
  for (Future& future : futures) EXPECT_EQ(future.get().vector.size(), 2u);
}

TEST_F(Scheduling, OneInputsErrorDoesNotHarmItsBatchMates) {
  Future held = hold();
  Future bad = text("bad"), nan = text("nan"), boom = text("boom"), good = text("good");
  Future unknown = scheduler_.submit({Input::from_text("x"), RunOptions{.prompt = "unknown"}});
  wait_until_prepared(5);
  release(worker_);
  EXPECT_THAT(good.get().vector, ElementsAre(4.0f, 'g'));
  EXPECT_THAT([&] { bad.get(); }, ThrowsMessage<InvalidInput>("[input] is bad"));
  EXPECT_THAT([&] { nan.get(); }, ThrowsMessage<ModelError>("[input] the result is not finite"));
  EXPECT_THAT([&] { boom.get(); }, ThrowsMessage<std::runtime_error>("boom"));
  EXPECT_THAT([&] { unknown.get(); }, ThrowsMessage<InvalidInput>("[prompt unknown] there is none"));
  EXPECT_EQ(scheduler_.counters().failed, 4);
}

TEST_F(Scheduling, KnownVectorsAreBoundedInBytes) {
  for (int i = 0; i < 1000; ++i) text(std::to_string(i)).get();
  const SubmitCounters counters = scheduler_.counters();
  EXPECT_LE(counters.cached_bytes, options_.cache_bytes);
  EXPECT_GT(counters.cached, 100);
  EXPECT_LT(counters.cached, 1000);
  text("999").get();
  EXPECT_EQ(scheduler_.counters().cache_hits, 1);
  text("0").get();
  EXPECT_EQ(scheduler_.counters().cache_hits, 1);  // it had to go
}

TEST_F(Scheduling, ADrainingShutdownComputesAllAndRefusesMore) {
  std::vector<Future> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(text(fmt::format("text {}", i)));
  for (int i = 0; i < 5; ++i) futures.push_back(image(i));
  scheduler_.shutdown(Shutdown::drain);
  EXPECT_THAT([&] { text("more"); }, ThrowsMessage<Cancelled>("[submit] the embedder is shut down"));
  for (Future& future : futures) {
    ASSERT_EQ(future.wait_for(milliseconds(0)), std::future_status::ready);
    EXPECT_EQ(future.get().vector.size(), 2u);
  }
  scheduler_.shutdown(Shutdown::cancel);  // again does no harm
}

TEST_F(Scheduling, ACancellingShutdownWhileFullFailsWhatWaits) {
  Future held = hold();
  std::vector<Future> futures;
  for (int i = 0; i < 200; ++i) futures.push_back(text(fmt::format("text {}", i)));
  for (int i = 0; i < 4; ++i) futures.push_back(image(i));
  std::jthread closing([&] { scheduler_.shutdown(Shutdown::cancel); });
  for (Future& future : futures) EXPECT_THROW(future.get(), Cancelled);
  release(worker_);
  EXPECT_EQ(held.get().vector.size(), 2u);  // the pass that had begun
}

TEST_F(Scheduling, CallbacksAreToldOnce) {
  std::atomic<int> told = 0;
  for (int i = 0; i < 100; ++i) {
    scheduler_.submit({Input::from_text(i % 2 ? "bad" : "good")},
                      [&](const EmbeddedInput& vector, const std::exception_ptr& error) {
                        EXPECT_NE(vector.vector.empty(), !error);
                        ++told;
                      });
  }
  scheduler_.shutdown(Shutdown::drain);
  EXPECT_EQ(told, 100);
}

TEST_F(Scheduling, CallsOnTheComputeThreadComeBetweenBatches) {
  Future held = hold();
  std::atomic<bool> ran = false;
  std::jthread caller([&] { compute_.run([&] { ran = true; }); });
  Future waiting = text("waiting");
  std::this_thread::sleep_for(milliseconds(10));
  EXPECT_FALSE(ran);
  release(worker_);
  waiting.get();
  caller.join();
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace e5v::scheduler
