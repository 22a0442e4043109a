#include "base/file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <array>
#include <initializer_list>
#include <vector>

#include "base/error.h"
#include "base/mmap.h"
#include "temporary_folder.h"

namespace e5v {
namespace {

using test::TemporaryFolder;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(File, ReadsWhatWasWritten) {
  const TemporaryFolder folder;
  std::string content(200'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31);
  const auto path = folder.write("data", content);
  EXPECT_EQ(read_file(path), content);
  EXPECT_EQ(read_file(folder.write("empty", "")), "");
}

TEST(File, NamesWhatCannotBeRead) {
  const TemporaryFolder folder;
  const auto missing = folder.path() / "missing";
  EXPECT_THAT([&] { read_file(missing); },
              ThrowsMessage<InvalidInput>(AllOf(HasSubstr(missing.string()), HasSubstr("no such file"))));
  EXPECT_THAT([&] { read_file(folder.path()); },
              ThrowsMessage<InvalidInput>(AllOf(HasSubstr(folder.path().string()), HasSubstr("is a folder"))));
}

TEST(File, WhatIsNoRegularFileIsNamedAndNotWaitedFor) {
  const TemporaryFolder folder;
  const auto fifo = folder.path() / "fifo", socket = folder.path() / "socket";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  ASSERT_EQ(::mknod(socket.c_str(), S_IFSOCK | 0600, 0), 0);
  const std::pair<std::filesystem::path, const char*> cases[] = {
      {fifo, "] is a FIFO, expected a regular file"},
      {socket, "] is a socket, expected a regular file"},
      {"/dev/zero", "] is a character device, expected a regular file"}};
  for (const auto& [path, part] : cases) {  // the FIFO has no writer: a wait for one would not end
    const auto message = ThrowsMessage<InvalidInput>("[" + path.string() + part);
    EXPECT_THAT([&path = path] { read_file(path); }, message);
    EXPECT_THAT([&path = path] { MappedFile file(path); }, message);
  }
  std::filesystem::create_symlink(fifo, folder.path() / "link");
  EXPECT_THAT([&] { read_file(folder.path() / "link"); }, ThrowsMessage<InvalidInput>(HasSubstr("is a FIFO")));
  EXPECT_NE(read_file("/proc/self/stat"), "");  // whose size is said to be 0
}

TEST(File, StopsAtTheLimit) {
  const TemporaryFolder folder;
  const auto path = folder.write("data", "123456789");
  EXPECT_EQ(read_file(path, 9), "123456789");
  EXPECT_THAT([&] { read_file(path, 8); }, ThrowsMessage<InvalidInput>(HasSubstr("larger than the limit of 8 bytes")));
}

TEST(File, WritesAtomically) {
  const TemporaryFolder folder;
  const auto path = folder.write("data", "old");
  write_file_atomically(path, "new content");
  EXPECT_EQ(read_file(path), "new content");
  write_file_atomically(path, "");
  EXPECT_EQ(read_file(path), "");
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
}

TEST(File, FailedWriteLeavesNothing) {
  const TemporaryFolder folder;
  EXPECT_THAT([&] { write_file_atomically(folder.path() / "no" / "data", "x"); },
              ThrowsMessage<InvalidInput>(HasSubstr("cannot be created")));
  const auto occupied = folder.path() / "occupied";  // a folder cannot be replaced by a file
  std::filesystem::create_directory(occupied);
  EXPECT_THAT([&] { write_file_atomically(occupied, "x"); },
              ThrowsMessage<InvalidInput>(AllOf(HasSubstr(occupied.string()), HasSubstr("cannot be written"))));
  EXPECT_FALSE(std::filesystem::exists(occupied.string() + ".tmp"));
}

/// The definition, by decoding: the shortest form of a value that is no surrogate and at most U+10FFFF.
bool decodes(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    int length = 0;
    for (int bit = 7; bit >= 0 && ((lead >> bit) & 1) != 0; --bit) ++length;
    if (length == 1 || length > 4) return false;
    unsigned value = length == 0 ? lead : lead & (0x7Fu >> length);
    length = std::max(length, 1);
    if (i + static_cast<std::size_t>(length) > text.size()) return false;
    for (int k = 1; k < length; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if ((byte & 0xC0) != 0x80) return false;
      value = (value << 6) | (byte & 0x3Fu);
    }
    constexpr std::array<unsigned, 4> kMinimum{0, 0x80, 0x800, 0x10000};
    if (value < kMinimum[static_cast<std::size_t>(length - 1)] || value > 0x10FFFF) return false;
    if (value >= 0xD800 && value <= 0xDFFF) return false;
    i += static_cast<std::size_t>(length);
  }
  return true;
}

void expect_same(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text += static_cast<char>(byte);
  ASSERT_EQ(is_valid_utf8(text), decodes(text)) << testing::PrintToString(std::vector<int>(bytes));
}

TEST(Utf8, KnowsEveryShortSequence) {
  // All of one and two bytes; of three and four with the last ones at the edges of what the definition tells apart.
  constexpr std::array<int, 9> kEdges{0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0};
  for (int a = 0; a < 256; ++a) {
    expect_same({a});
    for (int b = 0; b < 256; ++b) {
      expect_same({a, b});
      if (a < 0xC0) continue;  // no lead byte: the sequence is decided already
      for (const int c : kEdges) {
        expect_same({a, b, c});
        for (const int d : {0x7F, 0x80, 0xBF, 0xC0}) expect_same({a, b, c, d});
      }
    }
  }
}

TEST(Utf8, Examples) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("gr\xC3\xBC\xC3\x9F dich \xF0\x9F\x90\x88"));
  EXPECT_TRUE(is_valid_utf8(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_valid_utf8("caf\xE9"));           // Latin-1
  EXPECT_FALSE(is_valid_utf8("\xF0\x9F\x90"));      // cut
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(is_valid_utf8("\xC0\x80"));          // overlong NUL
  EXPECT_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));  // above U+10FFFF
}

}  // namespace
}  // namespace e5v
