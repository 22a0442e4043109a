#include "access_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <thread>

#include "apps/process.h"
#include "base/error.h"

namespace e5v::app {
namespace {

using test::content_of;
using test::TemporaryFolder;
using testing::HasSubstr;

TEST(AccessLog, LinesAreAppendedInTheirOrder) {
  const TemporaryFolder folder;
  const auto file = folder.write("log", "old\n");
  {
    const AccessLog log(file.string());
    for (int i = 0; i < 3; ++i) log.writer()(std::to_string(i));
  }
  EXPECT_EQ(content_of(file), "old\n0\n1\n2\n");
}

TEST(AccessLog, ThereMayBeNone) { EXPECT_FALSE(AccessLog("none").writer()); }

TEST(AccessLog, AFileThatCannotBeOpenedIsRefused) {
  EXPECT_THAT(
      [] { AccessLog("/no/such/folder/log"); },
      testing::ThrowsMessage<InvalidInput>("[/no/such/folder/log] cannot be written: No such file or directory"));
}

TEST(AccessLog, AFullDiskIsReportedOnce) {
  testing::internal::CaptureStderr();
  {
    const AccessLog log("/dev/full");
    for (int i = 0; i < 3; ++i) {
      log.writer()("line");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("[/dev/full] the access log cannot be written: No space left on device\n"));
  EXPECT_EQ(test::lines_of(said).size(), 1u);
}

/// A pipe whose reader pauses.
class SlowReader : public testing::Test {
 protected:
  SlowReader() {
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    end_ = ::open(path_.c_str(), O_RDWR | O_NONBLOCK);
    log_.emplace(path_);
  }
  ~SlowReader() override { ::close(end_); }
  /// Reads until nothing comes for a while.
  std::string read() const {
    std::string all, bytes(1 << 16, '\0');
    for (pollfd state{end_, POLLIN, 0}; ::poll(&state, 1, 500) > 0;) {
      const ssize_t size = ::read(end_, bytes.data(), bytes.size());
      if (size > 0) all.append(bytes, 0, static_cast<std::size_t>(size));
    }
    return all;
  }

  const TemporaryFolder folder_;
  const std::string path_ = (folder_.path() / "pipe").string();
  int end_ = -1;
  std::optional<AccessLog> log_;
};

TEST_F(SlowReader, DoesNotStopTheWriters) {
  const auto write = log_->writer();
  const std::string line(999, 'x');
  const std::size_t lines = 3 * AccessLog::kMaxWaiting / 1000;
  testing::internal::CaptureStderr();
  for (std::size_t i = 0; i < lines; ++i) {
    write(line);
    if (i == 200) std::this_thread::sleep_for(std::chrono::milliseconds(300));  // now the thread waits for the pipe
  }
  std::string all = read();
  write("last");
  all += read();
  EXPECT_LE(all.size(), 2 * AccessLog::kMaxWaiting + 5);  // what is being written, and what waits
  EXPECT_THAT(all, testing::EndsWith("x\nlast\n"));
  const std::size_t dropped = lines - all.size() / 1000;
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr(fmt::format("{} lines of the access log were dropped: its reader is too slow\n", dropped)));
}

TEST_F(SlowReader, DoesNotStopTheEnd) {
  for (int i = 0; i < 1000; ++i) log_->writer()(std::string(999, 'x'));
  const auto begin = std::chrono::steady_clock::now();
  log_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  read();  // so that the thread of the log ends, too
}

}  // namespace
}  // namespace e5v::app
