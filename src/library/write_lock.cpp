#include "library/write_lock.h"

#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

namespace e5v::library {

WriteLock::WriteLock(const std::filesystem::path& folder, std::string_view command) : file_(folder / "lock") {
  if (!file_.lock()) {
    std::string holder = read_file(file_.path());
    while (holder.ends_with('\n')) holder.pop_back();
    fail<InvalidInput>("[{}] {} is writing this library; wait until it ends, or stop it", folder.string(),
                       holder.empty() ? "another process" : holder);
  }
  file_.truncate(0);
  file_.append(fmt::format("process {} ({})\n", ::getpid(), command));
}

}  // namespace e5v::library
