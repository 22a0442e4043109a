#include "tensor/device.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>

#include "tensor/fake_device.h"
#include "tensor/tensor.h"

namespace e5v::tensor {
namespace {

/// Ends the process: 0 when it has no accelerator and says so.
[[noreturn]] void look_for_a_device() {
  try {
    device();
  } catch (const DeviceError& error) {
    std::fputs(error.what(), stderr);
    std::_Exit(has_device() ? 2 : 0);
  }
  std::_Exit(1);
}

// In a process of its own, as other tests open one.
TEST(DeviceDeathTest, WithoutAnAcceleratorThereIsNone) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(look_for_a_device(), testing::ExitedWithCode(0), "\\[device\\] no accelerator is open");
}

TEST(Device, TheOneThatIsSetIsTheProcesss) {
  test::FakeDevice& fake = test::fake_device();
  EXPECT_TRUE(has_device());
  EXPECT_EQ(&device(), &fake);
  EXPECT_EQ(device().name(), "fake");
}

TEST(Device, BuffersAreTakenFromItAndGivenBack) {
  test::FakeDevice& fake = test::fake_device();
  {
    const Buffer buffer(100, Place::device);
    EXPECT_EQ(buffer.place(), Place::device);
    EXPECT_EQ(buffer.size(), 100u);
    const Buffer on_host(100);
    EXPECT_EQ(on_host.place(), Place::host);
    EXPECT_TRUE(fake.releases.empty());
  }
  ASSERT_EQ(fake.allocations.size(), 1u);
  EXPECT_GE(fake.allocations[0], 100u);
  EXPECT_EQ(fake.releases, fake.allocations);
}

TEST(Device, TensorsAreCopiedThereAndBack) {
  test::FakeDevice& fake = test::fake_device();
  const Tensor there = copied(Tensor::from<float>(std::vector<float>{1, 2, 3}, {3}).view(), Place::device);
  EXPECT_EQ(there.place(), Place::device);
  const Tensor back = copied(there.view(), Place::host);
  EXPECT_EQ(back.place(), Place::host);
  EXPECT_THAT(back.as<float>(), testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(fake.copies, 2);
}

}  // namespace
}  // namespace e5v::tensor
