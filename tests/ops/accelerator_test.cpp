#include "ops/accelerator.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <optional>

#include "base/error.h"
#include "ops/backend.h"

namespace e5v::ops::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

/// The environment's E5V_DEVICE for one test; no value removes it.
class DeviceVariable {
 public:
  explicit DeviceVariable(const char* value) {
    if (const char* before = std::getenv(kName)) before_ = before;
    set(value);
  }
  DeviceVariable(const DeviceVariable&) = delete;
  DeviceVariable& operator=(const DeviceVariable&) = delete;
  ~DeviceVariable() { set(before_ ? before_->c_str() : nullptr); }

 private:
  static constexpr const char* kName = "E5V_DEVICE";
  static void set(const char* value) { value == nullptr ? ::unsetenv(kName) : ::setenv(kName, value, 1); }
  std::optional<std::string> before_;
};

TEST(DeviceName, IsAutoCpuOrAGpuWithItsIndex) {
  for (const char* name : {"auto", "cpu", "cuda", "cuda:0", "cuda:7", "cuda:15"})
    EXPECT_NO_THROW(check_device_name(name)) << name;
  for (const std::string name : {"", "gpu", "CPU", "cuda:", "cuda:-1", "cuda:x", "cuda:1x", "cuda 1", "cuda1", "cudas",
                                 "cuda:99999999999", "cpu:0"}) {
    EXPECT_THAT(
        [&] { check_device_name(name); },
        ThrowsMessage<InvalidInput>("[device] there is no device " + name + "; there are auto, cpu, cuda and cuda:N"));
  }
}

TEST(DeviceName, AutoIsWhatTheEnvironmentSays) {
  {
    const DeviceVariable variable("cuda:3");
    EXPECT_EQ(wanted_device("auto"), "cuda:3");
    EXPECT_EQ(wanted_device("cpu"), "cpu");  // an explicit device is not replaced
    EXPECT_EQ(wanted_device("cuda"), "cuda");
  }
  for (const char* none : {"", static_cast<const char*>(nullptr)}) {
    const DeviceVariable variable(none);
    EXPECT_EQ(wanted_device("auto"), "auto");
  }
}

TEST(Accelerator, CpuIsTheMemoryOfTheHost) {
  EXPECT_EQ(open_device("cpu"), tensor::Place::host);
  EXPECT_EQ(device_name(tensor::Place::host), "cpu");
  const DeviceVariable variable("cpu");
  EXPECT_EQ(open_device("auto"), tensor::Place::host);
}

/// A mistake in the environment is not taken for auto.
TEST(Accelerator, NamesOfTheEnvironmentAreChecked) {
  const DeviceVariable variable("gpu");
  EXPECT_THAT([] { open_device("auto"); }, ThrowsMessage<InvalidInput>(HasSubstr("there is no device gpu")));
  EXPECT_EQ(open_device("cpu"), tensor::Place::host);
}

/// With a GPU it is open from now on, and there is no second one; without one the error says why.
TEST(Accelerator, AProcessHasAtMostOneGpu) {
  const DeviceVariable variable(nullptr);
  std::optional<std::string> problem;
  try {
    EXPECT_EQ(open_device("cuda"), tensor::Place::device);
  } catch (const DeviceError& error) {
    problem = error.what();
  }
  if (problem) {
    EXPECT_THAT(*problem, StartsWith("[cuda] "));
    EXPECT_EQ(open_device("auto"), tensor::Place::host);
    EXPECT_THAT([] { open_device("cuda:1"); }, ThrowsMessage<DeviceError>(StartsWith("[cuda] ")));
    EXPECT_THROW(backend(), DeviceError);
    return;
  }
  EXPECT_EQ(open_device("cuda:0"), tensor::Place::device);
  EXPECT_EQ(open_device("auto"), tensor::Place::device);
  EXPECT_EQ(device_name(tensor::Place::device), backend().name());
  EXPECT_THAT([] { open_device("cuda:1"); },
              ThrowsMessage<DeviceError>("[cuda] GPU 0 is in use by this process, which cannot use GPU 1 as well"));
}

}  // namespace
}  // namespace e5v::ops::test
