#include "scheduler/batch_policy.h"

#include <gmock/gmock.h>

#include "scheduler/fake_worker.h"

namespace e5v::scheduler {
namespace {

using testing::ElementsAre;

/// Inputs that are ready, and the batches made of them, by their names.
class Policy : public testing::Test {
 protected:
  void text(std::string name, std::size_t tokens = 20, int priority = 0) {
    name.resize(tokens, '.');
    add(test::fake_text(name), priority);
  }
  void image(std::uint64_t number, std::size_t tokens = 150, int priority = 0) {
    add(test::fake_image(number, tokens), priority);
  }
  std::vector<std::string> next() {
    const BatchPolicy::Chosen chosen = policy_.next(ready_);
    std::vector<std::string> names;
    for (const embed::PreparedInput& input : chosen.batch.inputs()) {
      const std::string name = test::name_of(input);
      names.push_back(!input.images.empty() ? name : name.substr(0, name.find('.')));
    }
    EXPECT_EQ(chosen.jobs.size(), names.size());
    return names;
  }

  Lanes ready_;
  BatchPolicy policy_{[](std::int64_t asked) { return asked > 0 ? asked : 100; }};

 private:
  void add(embed::PreparedInput input, int priority) {
    const auto job = std::make_shared<Job>();
    job->number = next_number_++;
    job->priority = priority;
    job->image = !input.images.empty();
    job->prepared = std::move(input);
    job->state = State::ready;
    ready_.of(*job).insert(job);
  }
  std::uint64_t next_number_ = 0;
};

TEST_F(Policy, TextsFillABatchInTheirOrder) {
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) text(name);
  EXPECT_THAT(next(), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(next(), ElementsAre("f"));
  EXPECT_TRUE(ready_.empty());
}

TEST_F(Policy, ALoneTextIsInTheNextBatchHoweverManyImagesWait) {
  for (const int number : {1, 2, 3, 4}) image(number);
  EXPECT_THAT(next(), ElementsAre("image 1"));
  text("a");
  EXPECT_THAT(next(), ElementsAre("a"));
  text("b");  // it is the images' turn, but they take the text along
  EXPECT_THAT(next(), ElementsAre("image 2", "b"));
  EXPECT_THAT(next(), ElementsAre("image 3"));
}

TEST_F(Policy, ImagesGetEveryOtherBatchHoweverManyTextsWait) {
  for (int i = 0; i < 20; ++i) text("t");
  for (const int number : {1, 2}) image(number);
  EXPECT_THAT(next(), ElementsAre("t", "t", "t", "t", "t"));
  EXPECT_THAT(next(), ElementsAre("image 1", "t"));  // texts have a quarter of the rows
  EXPECT_THAT(next(), ElementsAre("t", "t", "t", "t", "t"));
  EXPECT_THAT(next(), ElementsAre("image 2", "t"));
}

TEST_F(Policy, SmallImagesShareABatchAndOneImageIsCountedOnce) {
  for (const int number : {1, 2, 3}) image(number, 40);
  EXPECT_THAT(next(), ElementsAre("image 1", "image 2"));
  image(4, 150), image(3, 40);
  EXPECT_THAT(next(), ElementsAre("image 3", "image 3"));
  EXPECT_THAT(next(), ElementsAre("image 4"));
}

TEST_F(Policy, PriorityGoesBeforeTurns) {
  image(1), text("a"), image(2, 150, 5), text("b", 20, 9);
  EXPECT_THAT(next(), ElementsAre("b", "a"));
  EXPECT_THAT(next(), ElementsAre("image 2"));
  text("c", 20, -1);
  image(3, 150, -2);
  EXPECT_THAT(next(), ElementsAre("image 1", "c"));
  text("d", 20, -1);
  EXPECT_THAT(next(), ElementsAre("d"));
}

}  // namespace
}  // namespace e5v::scheduler
