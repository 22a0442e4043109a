#include "base/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

namespace e5v {
namespace {

namespace fs = std::filesystem;

fs::file_type type_of(mode_t mode) {
  if (S_ISREG(mode)) return fs::file_type::regular;
  if (S_ISDIR(mode)) return fs::file_type::directory;
  if (S_ISFIFO(mode)) return fs::file_type::fifo;
  if (S_ISSOCK(mode)) return fs::file_type::socket;
  return S_ISBLK(mode) ? fs::file_type::block : fs::file_type::character;
}

void require_regular(const fs::path& path, fs::file_type type) {
  require(type != fs::file_type::directory, "[{}] is a folder, expected a file", path.string());
  require(type == fs::file_type::regular, "[{}] is {}, expected a regular file", path.string(), kind_text(type));
}

}  // namespace

const char* kind_text(fs::file_type type) {
  switch (type) {
    case fs::file_type::regular: return "a regular file";
    case fs::file_type::directory: return "a folder";
    case fs::file_type::fifo: return "a FIFO";
    case fs::file_type::socket: return "a socket";
    case fs::file_type::block: return "a block device";
    case fs::file_type::character: return "a character device";
    default: return "something unknown";
  }
}

RegularFile::RegularFile(const fs::path& path) {
  struct stat status {};
  // Looked at first, because opening a device may do something to it.
  if (::stat(path.c_str(), &status) == 0) require_regular(path, type_of(status.st_mode));
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0) {
    const std::string reason = system_error_text(), missing = why_missing(path);
    fail<InvalidInput>("[{}] cannot be opened: {}", path.string(),
                       missing.empty() || missing == kNoSuchFile ? reason : missing);
  }
  const bool known = ::fstat(descriptor, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {  // it was replaced in between
    ::close(descriptor);
    require_regular(path, known ? type_of(status.st_mode) : fs::file_type::unknown);
  }
  descriptor_ = descriptor;
  size_ = status.st_size;
}

RegularFile::~RegularFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace e5v
