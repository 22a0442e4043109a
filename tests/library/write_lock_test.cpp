#include "library/write_lock.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <optional>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(WriteLock, TheSecondWriterIsToldWhoTheFirstIs) {
  const test::TemporaryFolder folder;
  std::optional<WriteLock> first(std::in_place, folder.path(), "e5v index /photos");
  EXPECT_THAT([&] { WriteLock(folder.path(), "e5v index"); },
              ThrowsMessage<InvalidInput>(HasSubstr(fmt::format(
                  "] process {} (e5v index /photos) is writing this library; wait until it ends", ::getpid()))));
  first.reset();
  const WriteLock second(folder.path(), "e5v index");
  EXPECT_EQ(folder.read("lock"), fmt::format("process {} (e5v index)\n", ::getpid()));
}

}  // namespace
}  // namespace e5v::library
