#include "base/mmap.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "base/error.h"
#include "base/lfs_pointer.h"
#include "base/regular_file.h"

namespace e5v {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const RegularFile file(path);
  require(file.size() > 0, "[{}] is empty", path.string());
  const auto size = static_cast<std::size_t>(file.size());
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.descriptor(), 0);
  require(mapped != MAP_FAILED, "[{}] cannot be mapped: {}", path.string(), system_error_text());
  data_ = static_cast<const std::byte*>(mapped);
  size_ = size;
  try {
    refuse_lfs_pointer(path, {reinterpret_cast<const char*>(data_), size_});
  } catch (...) {
    ::munmap(mapped, size_);
    throw;
  }
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::release(std::span<const std::byte> part) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(part.data() + part.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace e5v
