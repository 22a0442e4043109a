#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/error.h"
#include "base/lfs_pointer.h"
#include "base/regular_file.h"

namespace e5v {
namespace fs = std::filesystem;

std::string why_missing(const fs::path& path) {
  std::error_code code;
  if (fs::exists(fs::status(path, code))) return "";
  if (code && code != std::errc::no_such_file_or_directory) return code.message();
  const fs::path target = fs::read_symlink(path, code);
  if (!code) return fmt::format("it is a link to {}, which does not exist", target.string());
  return kNoSuchFile;
}

bool is_entry(const fs::path& path) {
  std::error_code code;
  return fs::exists(fs::symlink_status(path, code));
}

std::string read_file(const fs::path& path, std::uint64_t max_bytes) {
  const std::string missing = why_missing(path);
  require(missing.empty(), "[{}] {}", path.string(), missing);
  const RegularFile file(path);
  std::string content;
  std::vector<char> block(std::size_t{1} << 16);
  for (;;) {
    const ssize_t count = ::read(file.descriptor(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    require(count >= 0, "[{}] cannot be read: {}", path.string(), system_error_text());
    if (count == 0) break;
    content.append(block.data(), static_cast<std::size_t>(count));
    require(content.size() <= max_bytes, "[{}] is larger than the limit of {} bytes", path.string(), max_bytes);
  }
  refuse_lfs_pointer(path, content);
  return content;
}

void write_file_atomically(const fs::path& path, std::string_view content) {
  const std::string temporary = path.string() + ".tmp";
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0644);
  require(descriptor >= 0, "[{}] cannot be created: {}", temporary, system_error_text());
  const auto abandon = [&](const char* step) {
    const std::string reason = system_error_text();
    ::close(descriptor);
    ::unlink(temporary.c_str());
    fail<InvalidInput>("[{}] {} failed: {}", path.string(), step, reason);
  };
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t written = ::write(descriptor, content.data() + done, content.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) abandon("write");
    done += static_cast<std::size_t>(written);
  }
  if (::fsync(descriptor) != 0) abandon("fsync");
  if (::close(descriptor) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string reason = system_error_text();
    ::unlink(temporary.c_str());
    fail<InvalidInput>("[{}] cannot be written: {}", path.string(), reason);
  }
}

bool is_valid_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = byte(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    }
    const unsigned second = byte(i + 1);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
        (lead == 0xF4 && second > 0x8F)) {
      return false;
    }
    i += length;
  }
  return true;
}

}  // namespace e5v
