#include "serve/item_feed.h"

#include <future>
#include <numeric>
#include <thread>

#include "api/embedder_impl.h"
#include "serve/service_fixture.h"

namespace e5v::serve {
namespace {

using Result = std::pair<EmbeddedCall, std::exception_ptr>;

/// Calls with more inputs than the queue of their model has room for.
class Feeds : public testing::Test {
 protected:
  static std::shared_ptr<ServedModel> model_with(const QueueOptions& queue) {
    return load({{"tiny"}, test::golden("ckpt/tiny-small-f32"), {.threads = 1, .queue = queue}, {}});
  }
  static EmbeddingCall call_of(const std::shared_ptr<const ServedModel>& model, int items, const std::string& begin) {
    EmbeddingCall call{.model = model, .client = "shop"};
    for (int i = 0; i < items; ++i)
      call.items.push_back(
          {RequestInput::from_text(fmt::format("{} {}", begin, i)), {}, {}, fmt::format("input[{}]", i)});
    return call;
  }
  static std::future<Result> begin(EmbeddingCall call) {
    const auto promise = std::make_shared<std::promise<Result>>();
    embed(std::move(call), [promise](EmbeddedCall vectors, const std::exception_ptr& error) {
      promise->set_value({std::move(vectors), error});
    });
    return promise->get_future();
  }
  static void expect_vectors(const Result& result, int items) {
    ASSERT_FALSE(result.second) << fault_of(result.second).message;
    ASSERT_EQ(result.first.vectors.size(), static_cast<std::size_t>(items));
    for (const EmbeddedInput& vector : result.first.vectors) EXPECT_EQ(vector.vector.size(), 128u);
  }
  /// Keeps the compute thread of a model busy until the object ends.
  class Busy {
   public:
    explicit Busy(const ServedModel& model)
        : thread_([this, &model] {
            model.embedder.impl().thread.run([this] {
              begun_.set_value();
              gate_.get_future().wait();
            });
          }) {
      begun_.get_future().wait();
    }
    ~Busy() {
      gate_.set_value();
      thread_.join();
    }

   private:
    std::promise<void> begun_, gate_;
    std::thread thread_;
  };
};

TEST_F(Feeds, ACallMayHaveMoreInputsThanTheQueueHasRoomFor) {
  for (const std::int64_t tokens : {1, 100, 1000}) {
    const auto model = model_with({.tokens = tokens, .cache_bytes = 0});
    expect_vectors(begin(call_of(model, 300, "text")).get(), 300);
    EXPECT_EQ(model->embedder.counters().overloaded, 0);
    EXPECT_EQ(model->held->bytes, 0);
    EXPECT_EQ(model->held->inputs, 0);
  }
}

TEST_F(Feeds, VectorsOfACallWithManyInputsAreInTheirOrder) {
  const auto model = model_with({.tokens = 200});
  const Result result = begin(call_of(model, 100, "text")).get();
  expect_vectors(result, 100);
  const std::vector<Input> alone = {Input::from_text("text 77")};
  EXPECT_THAT(result.first.vectors[77].vector,
              testing::Pointwise(testing::FloatNear(1e-6f), model->embedder.embed(alone).row(0)));
}

TEST_F(Feeds, ALargeCallLeavesHalfOfTheQueueToOthers) {
  const auto model = model_with({.tokens = 1000});
  std::future<Result> large, small;
  {
    const Busy busy(*model);
    large = begin(call_of(model, 300, "text"));
    EXPECT_LE(model->embedder.counters().queued_tokens, 500);
    EXPECT_GT(model->embedder.counters().queued, 5);
    EXPECT_GT(model->held->bytes, 0);
    EXPECT_GT(model->held->inputs, 200);
    EmbeddingCall other = call_of(model, 1, "query");
    other.client = "other";
    small = begin(std::move(other));
  }
  expect_vectors(small.get(), 1);
  expect_vectors(large.get(), 300);
}

TEST_F(Feeds, TheFirstInputFailsIfOthersFillTheQueue) {
  const auto model = model_with({.tokens = 40});
  std::future<Result> first, second;
  {
    const Busy busy(*model);
    first = begin(call_of(model, 1, "text"));
    second = begin(call_of(model, 2, "other"));
    const std::exception_ptr error = second.get().second;
    ASSERT_TRUE(error);
    EXPECT_EQ(fault_of(error).status, 429);
  }
  expect_vectors(first.get(), 1);
}

TEST_F(Feeds, AClientThatLeavesTakesTheWaitingInputsAlong) {
  const auto model = model_with({.tokens = 200, .cache_bytes = 0});
  const std::int64_t before = model->embedder.counters().inputs;
  std::stop_source gone;
  EmbeddingCall call = call_of(model, 300, "left");
  call.gone = gone.get_token();
  {
    const Busy busy(*model);
    std::future<Result> result = begin(std::move(call));
    gone.request_stop();
    EXPECT_EQ(fault_of(result.get().second).status, 503);
    EXPECT_EQ(model->held->bytes, 0);
  }
  EXPECT_EQ(model->embedder.counters().inputs, before);
}

TEST_F(Feeds, OneThatFailsNamesItselfAndEndsTheOthers) {
  const auto model = model_with({.tokens = 200});
  EmbeddingCall call = call_of(model, 50, "text");
  call.items[30].input.text = long_text();
  const std::exception_ptr error = begin(std::move(call)).get().second;
  ASSERT_TRUE(error);
  EXPECT_EQ(fault_of(error).field, "input[30]");
  EXPECT_THAT(fault_of(error).message, testing::StartsWith("input[30]: "));
}

TEST_F(Feeds, EachInputOfALargeStreamCanFailAlone) {
  const auto model = model_with({.tokens = 200});
  EmbeddingCall call = call_of(model, 50, "text");
  call.items[30].input.text = long_text();
  std::vector<int> statuses(50);
  std::size_t left = 50;
  std::promise<void> all;
  embed_each(std::move(call), [&](std::size_t i, const EmbeddedInput&, const std::exception_ptr& error) {
    statuses[i] = error ? fault_of(error).status : 200;
    if (--left == 0) all.set_value();
  });
  all.get_future().get();
  EXPECT_EQ(statuses[30], 400);
  EXPECT_EQ(std::accumulate(statuses.begin(), statuses.end(), 0), 49 * 200 + 400);
}

TEST_F(Feeds, InputsWithMoreBytesThanTheQueueAreTooLarge) {
  const auto model = model_with({.bytes = 10'000});
  const Fault fault = fault_of(begin(call_of(model, 3, std::string(5'000, 'a'))).get().second);
  EXPECT_EQ(fault.status, 413);
  EXPECT_EQ(fault.message,
            "[body] expected inputs with at most 10000 bytes together, found 15006; send fewer of them in a request");
  EmbeddingCall single = call_of(model, 1, std::string(20'000, 'a'));
  single.items[0].prepare.truncate = true;
  expect_vectors(begin(std::move(single)).get(), 1);
}

TEST_F(Feeds, InputsThatWaitCountAgainstTheBytesOfTheQueue) {
  const auto model = model_with({.tokens = 100, .bytes = 10'000});
  std::future<Result> first, second;
  EmbeddingCall one = call_of(model, 20, std::string(300, 'b')), other = call_of(model, 20, std::string(300, 'c'));
  one.items[0].input.text = other.items[0].input.text = "short";  // the others do not leave half of the queue free
  {
    const Busy busy(*model);
    first = begin(std::move(one));
    EXPECT_EQ(model->held->bytes, 9 * 302 + 10 * 303);
    second = begin(std::move(other));
    const std::exception_ptr error = second.get().second;
    ASSERT_TRUE(error);
    EXPECT_EQ(fault_of(error).status, 429);
  }
  expect_vectors(first.get(), 20);
}

}  // namespace
}  // namespace e5v::serve
