#include "base/mmap.h"

#include <gmock/gmock.h>

#include <utility>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string text_of(const MappedFile& file) {
  const auto bytes = file.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(MappedFile, ShowsTheContent) {
  const test::TemporaryFolder folder;
  const MappedFile file(folder.write("data", "content"));
  EXPECT_EQ(text_of(file), "content");
}

TEST(MappedFile, Moves) {
  const test::TemporaryFolder folder;
  MappedFile one(folder.write("one", "first")), two(folder.write("two", "second"));
  const std::byte* address = one.bytes().data();
  MappedFile moved(std::move(one));
  EXPECT_EQ(moved.bytes().data(), address);
  two = std::move(moved);
  EXPECT_EQ(text_of(two), "first");
  EXPECT_TRUE(MappedFile().bytes().empty());
}

TEST(MappedFile, StaysReadableAfterRelease) {
  const test::TemporaryFolder folder;
  std::string content(1 << 20, 'x');
  content[700'000] = 'y';
  const MappedFile file(folder.write("data", content));
  EXPECT_EQ(text_of(file), content);
  MappedFile::release(file.bytes());
  MappedFile::release(file.bytes().subspan(5000, 10));
  MappedFile::release({});
  EXPECT_EQ(text_of(file), content);
}

TEST(MappedFile, NamesWhatCannotBeMapped) {
  const test::TemporaryFolder folder;
  const auto missing = folder.path() / "missing";
  EXPECT_THAT(
      [&] { MappedFile file(missing); },
      ThrowsMessage<InvalidInput>(AllOf(HasSubstr(missing.string()), HasSubstr("cannot be opened: No such file"))));
  EXPECT_THAT([&] { MappedFile file(folder.path()); }, ThrowsMessage<InvalidInput>(HasSubstr("is a folder")));
  EXPECT_THAT([&] { MappedFile file(folder.write("empty", "")); }, ThrowsMessage<InvalidInput>(HasSubstr("is empty")));
}

}  // namespace
}  // namespace e5v
