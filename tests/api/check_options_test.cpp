#include "api/check_options.h"

#include <gmock/gmock.h>

#include "e5v/error.h"

namespace e5v {
namespace {

using testing::ThrowsMessage;

TEST(CheckOptions, NameTheNumberAndItsRange) {
  EXPECT_THAT([] { check(LoadOptions{.threads = -1}); },
              ThrowsMessage<InvalidInput>("[options] threads is -1, expected a number from 0 (one per core) to 1024"));
  EXPECT_THAT([] { check(PrepareOptions{.max_tiles = 1025}); },
              ThrowsMessage<InvalidInput>(
                  "[options] max_tiles is 1025, expected a number from 0 (as many as the model has) to 1024"));
  EXPECT_THAT([] { check(PrepareOptions{.max_pixels = 0}); },
              ThrowsMessage<InvalidInput>("[options] max_pixels is 0, expected a number from 1 to 2147483647"));
  EXPECT_THAT(
      [] { check(RunOptions{.token_budget = -5}, 8); },
      ThrowsMessage<InvalidInput>("[options] token_budget is -5, expected a number from 0 (automatic) to 1048576"));
  EXPECT_THAT([] { check(RunOptions{.dimensions = 9}, 8); },
              ThrowsMessage<InvalidInput>("[options] dimensions is 9, expected a number from 0 (all) to 8"));
}

TEST(CheckOptions, AQueueHoldsSomething) {
  const auto refused = [](QueueOptions queue) {
    LoadOptions options;
    options.queue = queue;
    EXPECT_THROW(check(options), InvalidInput);
  };
  refused({.tokens = 0});
  refused({.bytes = 0});
  refused({.cache_bytes = -1});
  refused({.preparing_threads = 0});
}

TEST(CheckOptions, TheDefaultsAndTheLimitsPass) {
  check(LoadOptions{});
  check(LoadOptions{.threads = LoadOptions::kMaxThreads, .queue = {.cache_bytes = 0}});
  check(PrepareOptions{.max_tiles = PrepareOptions::kMaxTiles, .max_pixels = PrepareOptions::kMaxPixels});
  check(RunOptions{.dimensions = 8, .token_budget = RunOptions::kMaxTokenBudget}, 8);
}

}  // namespace
}  // namespace e5v
