#include "base/output_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.h"

namespace e5v {

// The constructor that these begin with has ended when something fails, so the destructor closes the file.
OutputFile::OutputFile(const std::filesystem::path& path) : OutputFile() {
  path_ = path;
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  require(descriptor_ >= 0, "[{}] cannot be written: {}", path.string(), system_error_text());
  measure();
}

OutputFile::OutputFile(const std::filesystem::path& path, std::int64_t size) : OutputFile(path) {
  require(size_ >= size, "[{}] has {} bytes, expected at least {}", path.string(), size_, size);
  const bool cut = ::ftruncate(descriptor_, size) == 0;
  require(cut, "[{}] cannot be cut to {} bytes: {}", path.string(), size, system_error_text());
  size_ = size;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(std::exchange(other.size_, 0)) {}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void OutputFile::measure() {
  struct stat status {};
  require(::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode), "[{}] is no regular file", path_.string());
  size_ = status.st_size;
}

void OutputFile::append(std::string_view bytes) {
  write_at(size_, bytes);
  size_ += static_cast<std::int64_t>(bytes.size());
}

void OutputFile::truncate(std::int64_t size) {
  require<DeviceError>(::ftruncate(descriptor_, size) == 0, "[{}] cannot be cut to {} bytes: {}", path_.string(), size,
                       system_error_text());
  size_ = size;
}

void OutputFile::overwrite(std::int64_t offset, std::string_view bytes) { write_at(offset, bytes); }

void OutputFile::write_at(std::int64_t offset, std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    require<DeviceError>(count > 0, "[{}] cannot be written: {}", path_.string(), system_error_text());
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += count;
  }
}

void OutputFile::read(std::int64_t offset, std::span<char> buffer) const {
  while (!buffer.empty()) {
    const ssize_t count = ::pread(descriptor_, buffer.data(), buffer.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    require<DeviceError>(count >= 0, "[{}] cannot be read: {}", path_.string(), system_error_text());
    require<DeviceError>(count > 0, "[{}] ends before byte {}", path_.string(), offset + 1);
    buffer = buffer.subspan(static_cast<std::size_t>(count));
    offset += count;
  }
}

void OutputFile::sync() const {
  require<DeviceError>(::fdatasync(descriptor_) == 0, "[{}] cannot be written: {}", path_.string(),
                       system_error_text());
}

bool OutputFile::lock() {
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
  measure();
  return true;
}

void sync_folder_of(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // best effort: not every file system can
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace e5v
