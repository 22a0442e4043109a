#include "serve/refusal.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

namespace e5v::serve {
namespace {

template <class E>
Fault fault(const E& error) {
  return fault_of(std::make_exception_ptr(error));
}

TEST(Fault, EachErrorHasItsStatus) {
  EXPECT_EQ(fault(Refusal(404, "gone", "model")).status, 404);
  EXPECT_EQ(fault(Refusal(404, "gone", "model")).field, "model");
  EXPECT_EQ(fault(InvalidInput("bad")).status, 400);
  EXPECT_EQ(fault(InvalidInput("bad")).message, "bad");
  EXPECT_EQ(fault(Overloaded("full")).status, 429);
  EXPECT_EQ(fault(Overloaded("full")).retry_after, 1);
  EXPECT_EQ(fault(DeadlineExceeded("late")).status, 504);  // not 503: a proxy would ask the next server
  EXPECT_EQ(fault(Cancelled("off")).status, 503);
  EXPECT_EQ(fault(DeviceError("no memory")).status, 503);
  EXPECT_EQ(fault(std::bad_alloc()).status, 503);
}

TEST(Fault, WhatIsInsideTheServerStaysThere) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(fault(std::runtime_error("/secret/path")).message, "the server failed; its log says why");
  EXPECT_EQ(fault(ModelError("/secret/path")).status, 500);
  EXPECT_EQ(fault(DeviceError("/secret/path")).message.find("secret"), std::string::npos);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("/secret/path"), std::string::npos);
}

}  // namespace
}  // namespace e5v::serve
