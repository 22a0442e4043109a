#include "base/standard_output.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>

namespace e5v {
namespace {

using testing::ThrowsMessage;

TEST(WriteStream, NothingStaysInTheBuffer) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::FILE* stream = ::fdopen(ends[1], "w");
  write_stream(stream, std::string_view("a line\n\0b", 9));
  char read[16]{};
  EXPECT_EQ(::read(ends[0], read, sizeof read), 9);
  EXPECT_EQ(std::string_view(read, 9), std::string_view("a line\n\0b", 9));
  std::fclose(stream);
  ::close(ends[0]);
}

TEST(WriteStream, AReaderThatIsGoneIsToldApartFromOtherFailures) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::FILE* stream = ::fdopen(ends[1], "w");
  ::close(ends[0]);
  EXPECT_THAT([&] { write_stream(stream, "a"); }, ThrowsMessage<BrokenPipe>("[stdout] its reader has gone"));
  std::fclose(stream);
  std::signal(SIGPIPE, before);
  std::FILE* full = std::fopen("/dev/full", "w");
  ASSERT_NE(full, nullptr);
  EXPECT_THAT([&] { write_stream(full, "a"); },
              ThrowsMessage<DeviceError>("[stdout] cannot be written: No space left on device"));
  std::fclose(full);
}

}  // namespace
}  // namespace e5v
