#include "e5v/version.h"

#include <gmock/gmock.h>

#include <string>

namespace e5v {
namespace {

TEST(Version, TextIsTheThreeNumbers) {
  EXPECT_EQ(E5V_VERSION, std::to_string(E5V_VERSION_MAJOR) + "." + std::to_string(E5V_VERSION_MINOR) + "." +
                             std::to_string(E5V_VERSION_PATCH));
}

TEST(Version, IsTheProjects) { EXPECT_STREQ(E5V_VERSION, E5V_PROJECT_VERSION); }

TEST(Version, CanBeAskedForByThePreprocessor) {
#if E5V_VERSION_MAJOR > 0 || E5V_VERSION_MINOR >= 1
  SUCCEED();
#else
  FAIL() << E5V_VERSION;
#endif
}

}  // namespace
}  // namespace e5v
