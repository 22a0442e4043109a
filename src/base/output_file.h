#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace e5v {

/// A file that grows at its end and survives a crash up to its last sync(). Throws DeviceError, whose message begins
/// with the path, if a system call fails. Move-only.
class OutputFile {
 public:
  OutputFile() = default;
  /// Opens or creates the file and keeps its content. Throws InvalidInput if it cannot be opened.
  explicit OutputFile(const std::filesystem::path& path);
  /// Does the same and truncates the file to `size`. Throws InvalidInput also if it is shorter.
  OutputFile(const std::filesystem::path& path, std::int64_t size);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&& other) noexcept;
  ~OutputFile();

  void append(std::string_view bytes);
  void truncate(std::int64_t size);
  void overwrite(std::int64_t offset, std::string_view bytes);
  /// Bytes [offset, offset + buffer.size()), which must exist.
  void read(std::int64_t offset, std::span<char> buffer) const;
  /// Waits until everything is on the disk.
  void sync() const;
  /// Keeps out other processes that lock it, too; false when one of them was first. With the lock, size() is what the
  /// others have left: a file that many may write is opened as it is, locked, and only then cut.
  bool lock();

  std::int64_t size() const { return size_; }
  bool is_open() const { return descriptor_ >= 0; }
  const std::filesystem::path& path() const { return path_; }

 private:
  void measure();
  void write_at(std::int64_t offset, std::string_view bytes) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

/// Makes renames and removals in the folder of `path` survive a power failure.
void sync_folder_of(const std::filesystem::path& path);

}  // namespace e5v
