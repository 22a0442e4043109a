#include "base/lfs_pointer.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mmap.h"
#include "temporary_folder.h"

namespace e5v {
namespace {

using testing::ThrowsMessage;

constexpr const char* kPointer =
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    "size 12345\n";

TEST(LfsPointer, IsKnownByItsFirstLine) {
  EXPECT_TRUE(is_lfs_pointer(kPointer));
  EXPECT_TRUE(is_lfs_pointer("version https://hawser.github.com/spec/v1\noid sha256:00\nsize 1\n"));
  for (const char* other :
       {"", "{}", "version 1", "The version https://git-lfs.github.com/spec/v1", "version https://"})
    EXPECT_FALSE(is_lfs_pointer(other)) << other;
}

TEST(LfsPointer, IsRefusedWhereverAFileIsRead) {
  const test::TemporaryFolder folder;
  const auto file = folder.write("model.safetensors", kPointer);
  const std::string message = "[" + file.string() +
                              "] is a Git LFS pointer, not the file itself: run \"git lfs pull\" in its folder, or "
                              "download the file";
  EXPECT_THAT([&] { read_file(file); }, ThrowsMessage<InvalidInput>(message));
  EXPECT_THAT([&] { read_json(file); }, ThrowsMessage<InvalidInput>(message));
  EXPECT_THAT([&] { MappedFile mapped(file); }, ThrowsMessage<InvalidInput>(message));
}

}  // namespace
}  // namespace e5v
