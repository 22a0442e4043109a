#include "base/regular_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class RegularFileTest : public testing::Test {
 protected:
  void expect_refused(const std::filesystem::path& path, const std::string& part) const {
    EXPECT_THAT([&] { RegularFile{path}; }, ThrowsMessage<InvalidInput>("[" + path.string() + "] " + part));
  }

  test::TemporaryFolder folder_;
};

TEST_F(RegularFileTest, IsOpenForReading) {
  const RegularFile file(folder_.write("a", "bytes"));
  EXPECT_EQ(file.size(), 5);
  char read[5]{};
  EXPECT_EQ(::pread(file.descriptor(), read, 5, 0), 5);
  EXPECT_EQ(std::string_view(read, 5), "bytes");
  std::filesystem::create_symlink("a", folder_.path() / "link");
  EXPECT_EQ(RegularFile(folder_.path() / "link").size(), 5);
}

TEST_F(RegularFileTest, OtherKindsAreNamedAndNeverWaitedFor) {
  const std::filesystem::path fifo = folder_.path() / "fifo", socket = folder_.path() / "socket";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);  // nobody writes it
  ASSERT_EQ(::mknod(socket.c_str(), S_IFSOCK | 0600, 0), 0);
  expect_refused(folder_.path(), "is a folder, expected a file");
  expect_refused(fifo, "is a FIFO, expected a regular file");
  expect_refused(socket, "is a socket, expected a regular file");
  expect_refused("/dev/null", "is a character device, expected a regular file");
}

TEST_F(RegularFileTest, WhatIsNotThereIsToldApart) {
  expect_refused(folder_.path() / "none", "cannot be opened: No such file or directory");
  std::filesystem::create_symlink("nowhere", folder_.path() / "link");
  EXPECT_THAT([&] { RegularFile{folder_.path() / "link"}; },
              ThrowsMessage<InvalidInput>(testing::AllOf(HasSubstr("link"), HasSubstr("nowhere"))));
}

TEST_F(RegularFileTest, TheDescriptorIsClosedWithTheObject) {
  int descriptor = -1;
  {
    const RegularFile file(folder_.write("a", "bytes"));
    descriptor = file.descriptor();
  }
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
}

}  // namespace
}  // namespace e5v
