#pragma once
#include <cstddef>
#include <filesystem>
#include <span>

namespace e5v {

/// A file mapped read-only into memory for as long as the object lives. Move-only.
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws InvalidInput when the file cannot be opened or mapped, is no regular file, is empty, or is a Git LFS
  /// pointer.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

  /// Tells the kernel that the pages inside `part` are not needed soon, so that they leave resident memory.
  static void release(std::span<const std::byte> part);

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace e5v
