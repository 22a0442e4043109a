#include "scheduler/job.h"

#include <gmock/gmock.h>

#include <stdexcept>

namespace e5v::scheduler {
namespace {

TEST(Tell, AReceiverThatThrowsDoesNotKeepTheOthersFromBeingTold) {
  std::vector<int> told;
  const auto ticket = [&](int number) {
    const auto result = std::make_shared<Ticket>();
    result->done = [&told, number](const EmbeddedInput&, const std::exception_ptr&) {
      told.push_back(number);
      if (number == 1) throw std::runtime_error("mine");
      if (number == 2) throw number;
    };
    return result;
  };
  testing::internal::CaptureStderr();
  tell({{ticket(1), {}, nullptr}, {ticket(2), {}, nullptr}, {ticket(3), {}, nullptr}});
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("must not throw: mine"));
  EXPECT_THAT(told, testing::ElementsAre(1, 2, 3));
}

TEST(MoreUrgent, PriorityGoesBeforeAge) {
  const auto job = [](int priority, std::uint64_t number) {
    const auto result = std::make_shared<Job>();
    result->priority = priority;
    result->number = number;
    return result;
  };
  EXPECT_TRUE(MoreUrgent()(job(1, 9), job(0, 1)));
  EXPECT_TRUE(MoreUrgent()(job(0, 1), job(0, 2)));
  EXPECT_FALSE(MoreUrgent()(job(0, 2), job(0, 2)));
}

}  // namespace
}  // namespace e5v::scheduler
