#include "terminal_images.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base64.h"
#include "image/decode.h"

namespace e5v::app {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(TerminalImages, TheAnswerNamesTheProtocol) {
  EXPECT_EQ(protocol_of_answer("\x1b_Gi=31;OK\x1b\\\x1b[?62;c"), ImageProtocol::kitty);
  EXPECT_EQ(protocol_of_answer("\x1b[?62;4;22c"), ImageProtocol::sixel);
  EXPECT_EQ(protocol_of_answer("\x1b[?4;6c"), ImageProtocol::sixel);
  EXPECT_EQ(protocol_of_answer("\x1b[?64;14;44c"), ImageProtocol::none);
  EXPECT_EQ(protocol_of_answer("\x1b_Gi=31;ENOTSUPPORTED\x1b\\\x1b[?1c"), ImageProtocol::none);
  EXPECT_EQ(protocol_of_answer(""), ImageProtocol::none);
  EXPECT_TRUE(is_whole_answer("\x1b_Gi=31;OK\x1b\\\x1b[?62c"));
  EXPECT_FALSE(is_whole_answer("\x1b_Gi=31;OK\x1b\\"));
  EXPECT_FALSE(is_whole_answer("\x1b[?62;4"));
}

TEST(TerminalImages, KittyTakesPngInChunks) {
  image::Bitmap bitmap(90, 60);
  for (std::size_t i = 0; i < bitmap.pixels.size(); ++i)
    bitmap.pixels[i] = static_cast<std::uint8_t>(std::hash<std::string>()(std::to_string(i)));  // hardly compressible
  std::string sequence = image_sequence(bitmap, ImageProtocol::kitty, 8), data;
  EXPECT_THAT(sequence, StartsWith("\x1b_Ga=T,f=100,q=2,r=8,m=1;"));
  for (std::size_t at = sequence.find(';'); at != std::string::npos; at = sequence.find(';', at + 1)) {
    const std::size_t end = sequence.find('\x1b', at);
    EXPECT_LE(end - at - 1, 4096u);
    data += sequence.substr(at + 1, end - at - 1);
    EXPECT_EQ(sequence[at - 1], sequence.find(';', end) == std::string::npos ? '0' : '1') << "whether more follows";
  }
  const std::string png = from_base64(data).value_or("");
  EXPECT_EQ(image::decode(std::as_bytes(std::span(png)), "png").pixels, bitmap.pixels);
}

TEST(TerminalImages, SixelHasColoursAndBands) {
  image::Bitmap bitmap(5, 7);
  for (std::size_t i = 0; i < bitmap.pixels.size(); i += 3) bitmap.pixels[i] = 255;  // red
  const std::string sequence = image_sequence(bitmap, ImageProtocol::sixel, 8);
  EXPECT_THAT(sequence, StartsWith("\x1bP0;1;0q\"1;1;5;7#0;2;0;0;0"));
  EXPECT_THAT(sequence, HasSubstr("#210;2;100;0;0"));
  EXPECT_THAT(sequence, testing::EndsWith("#210!5~$-#210!5@$-\x1b\\\n")) << "six rows, and one";
}

TEST(TerminalImages, WithoutAProtocolOrAnImageThereIsNothing) {
  EXPECT_EQ(image_sequence(image::Bitmap(3, 3), ImageProtocol::none, 8), "");
  EXPECT_EQ(image_sequence({}, ImageProtocol::kitty, 8), "");
}

/// What a process finds that has a terminal, which answers so.
ImageProtocol asked(const std::string& answer) {
  int master = -1;
  const pid_t child = ::forkpty(&master, nullptr, nullptr, nullptr);
  if (child == 0) ::_exit(static_cast<int>(ask_terminal()));
  std::string question;
  char buffer[256];
  while (question.find("\x1b[c") == std::string::npos) {
    const ssize_t size = ::read(master, buffer, sizeof buffer);
    if (size <= 0) break;
    question.append(buffer, static_cast<std::size_t>(size));
  }
  EXPECT_EQ(question, kTerminalQuestion);
  EXPECT_EQ(::write(master, answer.data(), answer.size()), std::ssize(answer));
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(master);
  return static_cast<ImageProtocol>(WEXITSTATUS(status));
}

TEST(TerminalImages, ATerminalIsAsked) {
  EXPECT_EQ(asked("\x1b_Gi=31;OK\x1b\\\x1b[?62c"), ImageProtocol::kitty);
  EXPECT_EQ(asked("\x1b[?62;4c"), ImageProtocol::sixel);
  EXPECT_EQ(asked(""), ImageProtocol::none) << "it does not answer";
}

}  // namespace
}  // namespace e5v::app
