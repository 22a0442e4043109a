#include "base/random_id.h"

#include <gmock/gmock.h>

#include <set>
#include <thread>

namespace e5v {
namespace {

TEST(RandomId, HasSixteenDigits) { EXPECT_THAT(random_id(), testing::MatchesRegex("[0-9a-f]{16}")); }

TEST(RandomId, IsNewInEachCallAndThread) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(random_id());
  std::thread([&] { ids.insert(random_id()); }).join();
  EXPECT_EQ(ids.size(), 1001u);
}

}  // namespace
}  // namespace e5v
