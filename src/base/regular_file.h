#pragma once
#include <cstdint>
#include <filesystem>

namespace e5v {

/// What is at a path that exists: "a regular file", "a folder", "a FIFO", "a socket", "a character device" or
/// "a block device"; links are followed.
const char* kind_text(std::filesystem::file_type type);

/// A regular file, open for reading. What is read whole must be one: opening never waits, as it would for the writer of
/// a FIFO.
class RegularFile {
 public:
  /// Throws InvalidInput when the file cannot be opened or is something else, which the message names.
  explicit RegularFile(const std::filesystem::path& path);
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;
  ~RegularFile();

  int descriptor() const { return descriptor_; }
  /// As the file system says it; 0 for files of /proc, whose size is unknown.
  std::int64_t size() const { return size_; }

 private:
  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

}  // namespace e5v
