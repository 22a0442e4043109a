#include "serve/embedding_call.h"

#include <chrono>
#include <future>
#include <thread>

#include "serve/service_fixture.h"

namespace e5v::serve {
namespace {

class Calls : public ServiceTest {
 protected:
  static EmbeddingCall call(const std::vector<std::string>& texts) {
    EmbeddingCall result{.model = model()};
    for (std::size_t i = 0; i < texts.size(); ++i)
      result.items.push_back({RequestInput::from_text(texts[i]), {}, {}, fmt::format("input[{}]", i)});
    return result;
  }
  static std::pair<EmbeddedCall, std::exception_ptr> wait_for(EmbeddingCall given) {
    std::promise<std::pair<EmbeddedCall, std::exception_ptr>> promise;
    embed(std::move(given), [&](EmbeddedCall vectors, const std::exception_ptr& error) {
      promise.set_value({std::move(vectors), error});
    });
    return promise.get_future().get();
  }
};

TEST_F(Calls, VectorsAreInTheOrderOfTheItems) {
  const auto [vectors, error] = wait_for(call({"one", "two", "three"}));
  EXPECT_FALSE(error);
  const auto expected = embedded({Input::from_text("one"), Input::from_text("two"), Input::from_text("three")});
  ASSERT_EQ(vectors.vectors.size(), 3u);
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    expect_near(vectors.vectors[i].vector, expected[i]);
    tokens += vectors.vectors[i].tokens;
  }
  EXPECT_EQ(vectors.tokens, tokens);
  EXPECT_GT(vectors.seconds, 0);
}

TEST_F(Calls, OneWithoutItemsEndsAtOnce) {
  const auto [vectors, error] = wait_for(call({}));
  EXPECT_FALSE(error);
  EXPECT_TRUE(vectors.vectors.empty());
}

TEST_F(Calls, TheFirstErrorNamesItsItem) {
  const auto [vectors, error] = wait_for(call({"fine", long_text(), "fine"}));
  ASSERT_TRUE(error);
  EXPECT_EQ(fault_of(error).status, 400);
  EXPECT_EQ(fault_of(error).field, "input[1]");
  EXPECT_THAT(fault_of(error).message, testing::StartsWith("input[1]: "));
}

TEST_F(Calls, AClientThatIsGoneCostsNothing) {
  std::stop_source gone;
  gone.request_stop();
  EmbeddingCall given = call({"never computed before"});
  given.gone = gone.get_token();
  const std::int64_t before = model()->embedder.counters().inputs;
  const auto [vectors, error] = wait_for(std::move(given));
  ASSERT_TRUE(error);
  EXPECT_EQ(fault_of(error).status, 503);
  EXPECT_EQ(model()->embedder.counters().inputs, before);
}

TEST_F(Calls, AClientMayLeaveAtAnyMoment) {
  for (int i = 0; i < 400; ++i) {
    std::stop_source gone;
    const auto done = std::make_shared<std::promise<void>>();
    std::future<void> ended = done->get_future();
    std::vector<std::string> texts;
    for (int j = 0; j < 6; ++j) texts.push_back(fmt::format("left {} {}", i, j));
    EmbeddingCall given = call(texts);
    given.gone = gone.get_token();
    embed(std::move(given), [done](const EmbeddedCall& vectors, const std::exception_ptr& error) {
      EXPECT_TRUE(error || vectors.vectors.size() == 6);
      done->set_value();
    });
    std::this_thread::sleep_for(std::chrono::microseconds(i * 20));
    gone.request_stop();
    ended.wait();
  }
}

TEST_F(Calls, EachItemCanFailAlone) {
  std::promise<void> all;
  std::vector<int> statuses(3);
  int left = 3;
  embed_each(call({"a", long_text(), "b"}),
             [&](std::size_t item, const EmbeddedInput&, const std::exception_ptr& error) {
               statuses[item] = error ? fault_of(error).status : 200;
               if (--left == 0) all.set_value();
             });
  all.get_future().get();
  EXPECT_THAT(statuses, testing::ElementsAre(200, 400, 200));
}

}  // namespace
}  // namespace e5v::serve
