#include <gmock/gmock.h>
#include <pthread.h>

#include <array>

#include "golden.h"
#include "scheduler/fake_worker.h"
#include "scheduler/scheduler.h"

namespace e5v::scheduler {
namespace {

class Preparation : public testing::Test {
 protected:
  std::unique_ptr<Scheduler> make(int threads) {
    return std::make_unique<Scheduler>(compute_, worker_, QueueOptions{.preparing_threads = threads});
  }
  std::vector<float> get(Scheduler& scheduler, Input input) {
    return scheduler.submit({std::move(input)}).get().vector;
  }

  ComputeThread compute_{1};
  test::FakeWorker worker_;
  const std::filesystem::path file_ = e5v::test::golden("images/img18_dark_90x60.png");
};

TEST_F(Preparation, AFileThatIsKnownIsReadButNotDecoded) {
  const auto scheduler = make(1);
  const std::vector<float> first = get(*scheduler, Input::from_image(file_));
  EXPECT_EQ(get(*scheduler, Input::from_image(file_)), first);
  EXPECT_EQ(worker_.decoded, 1);
  EXPECT_EQ(scheduler->counters().cache_hits, 1);
  EXPECT_EQ(scheduler->counters().cache_misses, 1);
  EXPECT_EQ(scheduler->counters().queued, 0);
}

TEST_F(Preparation, FilesOfOneContentAreComputedOnce) {
  const auto scheduler = make(3);
  worker_.images_held = true;
  std::vector<std::future<EmbeddedInput>> futures;
  for (int i = 0; i < 5; ++i) futures.push_back(scheduler->submit({Input::from_image(file_)}));
  while (scheduler->counters().shared < 4) std::this_thread::yield();
  worker_.images_held = false;
  for (auto& future : futures) EXPECT_EQ(future.get().vector.size(), 2u);
  EXPECT_EQ(worker_.decoded, 1);
  EXPECT_EQ(scheduler->counters().done, 5);
}

TEST_F(Preparation, AFileThatCannotBeReadFailsAlone) {
  const auto scheduler = make(2);
  auto missing = scheduler->submit({Input::from_image("/nonexistent/cat.jpg")});
  EXPECT_EQ(get(*scheduler, Input::from_text("fine")).size(), 2u);
  EXPECT_THAT([&] { missing.get(); },
              testing::ThrowsMessage<InvalidInput>(testing::HasSubstr("[/nonexistent/cat.jpg] no such file")));
}

TEST_F(Preparation, OneThreadIsKeptForTexts) {
  const auto scheduler = make(3);
  worker_.images_held = true;
  std::vector<std::future<EmbeddedInput>> images;
  for (int number = 0; number < 6; ++number) images.push_back(scheduler->submit({test::image_input(number)}));
  EXPECT_EQ(get(*scheduler, Input::from_text("text")).size(), 2u);  // or it waits for ever
  EXPECT_EQ(worker_.decoded, 0);
  worker_.images_held = false;
  for (auto& image : images) image.get();
}

// A change of threads takes longer than the preparation of a text.
TEST_F(Preparation, AnIdleComputeThreadPreparesATextItself) {
  const auto scheduler = make(2);
  std::thread::id computes;
  compute_.run([&] { computes = std::this_thread::get_id(); });
  get(*scheduler, Input::from_text("the preparing threads start, and may take it"));
  compute_.run([] {});
  for (int i = 0; i < 20; ++i) {
    get(*scheduler, Input::from_text(fmt::format("text {}", i)));
    EXPECT_EQ(worker_.prepared_by, computes) << i;
    compute_.run([] {});  // it has ended the batch, and is idle
  }
  get(*scheduler, test::image_input(1));
  EXPECT_NE(worker_.prepared_by, computes);
}

/// The size of the stacks of new threads while the object exists.
class StackSize {
 public:
  explicit StackSize(std::size_t bytes) {
    pthread_attr_init(&old_);
    pthread_getattr_default_np(&old_);
    pthread_attr_t changed;
    pthread_attr_init(&changed);
    pthread_attr_setstacksize(&changed, bytes);
    pthread_setattr_default_np(&changed);
    pthread_attr_destroy(&changed);
  }
  StackSize(const StackSize&) = delete;
  StackSize& operator=(const StackSize&) = delete;
  ~StackSize() {
    pthread_setattr_default_np(&old_);
    pthread_attr_destroy(&old_);
  }

 private:
  pthread_attr_t old_;
};

TEST_F(Preparation, IfNoThreadStartsTheInputIsRefused) {
  const auto scheduler = make(2);
  bool called = false;
  {
    const StackSize huge(std::size_t{1} << 47);  // more than a process can have
    EXPECT_THAT([&] { scheduler->submit({Input::from_text("text")}, [&](auto&&...) { called = true; }); },
                testing::ThrowsMessage<DeviceError>(testing::HasSubstr(
                    "[submit] expected a thread that prepares inputs, found that none starts: Resource temporarily")));
  }
  EXPECT_EQ(scheduler->counters().submitted, 0);
  EXPECT_EQ(scheduler->counters().queued, 0);
  EXPECT_EQ(get(*scheduler, Input::from_text("text")).size(), 2u);  // the next input tries again
  EXPECT_FALSE(called);
}

// If one client's ready images are cancelled, those of another are prepared.
TEST_F(Preparation, ImagesThatAreCancelledMakeRoomForOthers) {
  worker_.image_bytes = std::size_t{32} << 20;
  worker_.allow(0);
  const auto scheduler = make(1);
  std::vector<std::future<EmbeddedInput>> images, cancelled;
  const auto submit = [&](int number, const SubmitOptions& options = {}) {
    return scheduler->submit({test::image_input(number), {}, {}, options});
  };
  images.push_back(submit(0));
  worker_.wait_for(1);
  std::stop_source stop;
  for (const int number : {1, 2}) cancelled.push_back(submit(number, {.cancel = stop.get_token()}));
  images.push_back(submit(3));
  while (worker_.decoded < 3) std::this_thread::yield();
  auto text = scheduler->submit({Input::from_text("text")});
  while (worker_.prepared < 4) std::this_thread::yield();  // so both images are ready
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(worker_.decoded, 3);
  stop.request_stop();
  for (auto& image : cancelled) EXPECT_THROW(image.get(), Cancelled);
  while (worker_.decoded < 4) std::this_thread::yield();  // or it waits for ever
  worker_.allow(100);
  for (auto& image : images) EXPECT_EQ(image.get().vector.size(), 2u);
}

// While one batch is computed, images are prepared until 64 MiB of them are ready: two of 32 MiB, but three of a little
// less.
TEST_F(Preparation, WhatIsReadyAheadTakesABoundedAmountOfMemory) {
  constexpr std::size_t kHalf = std::size_t{32} << 20, kLittle = std::size_t{1} << 16;
  for (const auto& [bytes, ahead] : {std::pair(kHalf, 2), std::pair(kHalf - kLittle, 3)}) {
    test::FakeWorker worker;
    worker.image_bytes = bytes;
    worker.allow(0);
    Scheduler scheduler(compute_, worker, {.preparing_threads = 1});
    std::vector<std::future<EmbeddedInput>> images;
    images.push_back(scheduler.submit({test::image_input(0)}));
    worker.wait_for(1);
    for (int number = 1; number < 7; ++number) images.push_back(scheduler.submit({test::image_input(number)}));
    for (int texts = 1; texts <= 5; ++texts) {  // which go on being prepared
      scheduler.submit({Input::from_text("text " + std::to_string(texts))});
      while (worker.prepared < 1 + ahead + texts) std::this_thread::yield();
    }
    EXPECT_EQ(worker.decoded, 1 + ahead);
    worker.allow(100);
    for (auto& image : images) EXPECT_EQ(image.get().vector.size(), 2u);
    EXPECT_EQ(worker.decoded, 7) << "the others, when what was ready has been computed";
  }
}

}  // namespace
}  // namespace e5v::scheduler
