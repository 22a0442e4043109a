#include "base/mmap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/lfs_pointer.h"

namespace e5v {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const std::string reason = system_error_text(), missing = why_missing(path);
    fail<InvalidInput>("[{}] cannot be opened: {}", path.string(),
                       missing.empty() || missing == kNoSuchFile ? reason : missing);
  }
  struct stat status {};
  const bool known = ::fstat(descriptor, &status) == 0;
  const bool usable = known && S_ISREG(status.st_mode) && status.st_size > 0;
  void* mapped = MAP_FAILED;
  if (usable) mapped = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_SHARED, descriptor, 0);
  const std::string reason = system_error_text();
  ::close(descriptor);
  require(known && !S_ISDIR(status.st_mode), "[{}] is a folder, expected a file", path.string());
  require(usable, "[{}] is empty or no regular file", path.string());
  require(mapped != MAP_FAILED, "[{}] cannot be mapped: {}", path.string(), reason);
  data_ = static_cast<const std::byte*>(mapped);
  size_ = static_cast<std::size_t>(status.st_size);
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
