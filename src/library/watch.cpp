#include "library/watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace e5v::library {
namespace {

constexpr std::uint32_t kWatched =
    IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR;

/// A file that was created is not complete: it is reported when it is closed. A further hard link of a file is created
/// without being opened, so it is never closed.
bool is_news(const inotify_event& event, const std::string& path) {
  if (event.len == 0) return false;
  if ((event.mask & IN_CREATE) == 0 || (event.mask & IN_ISDIR) != 0) return true;
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && status.st_nlink > 1;
}

}  // namespace

FolderWatch::FolderWatch() : descriptor_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  require<DeviceError>(descriptor_ >= 0, "[inotify] cannot be started: {}", system_error_text());
}

FolderWatch::~FolderWatch() { ::close(descriptor_); }

void FolderWatch::add(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    const int watch = ::inotify_add_watch(descriptor_, folder.c_str(), kWatched);
    require<DeviceError>(watch >= 0 || errno != ENOSPC,
                         "[{}] cannot be watched: the system allows no more watches; sysctl "
                         "fs.inotify.max_user_watches=N raises their number",
                         folder);
    if (watch >= 0) folders_[watch] = folder;
  }
}

bool FolderWatch::is_ready_within(std::chrono::milliseconds time) const {
  pollfd waiting{descriptor_, POLLIN, 0};
  return ::poll(&waiting, 1, static_cast<int>(time.count())) > 0;  // a signal ends the wait, too
}

FolderWatch::Events FolderWatch::wait(std::chrono::milliseconds patience, std::chrono::milliseconds quiet) {
  Events events;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (is_ready_within(events.paths.empty() && !events.lost ? patience : quiet)) {
    read(events);
    if (std::chrono::steady_clock::now() > end) break;
    if (events.paths.empty() && !events.lost) break;  // the events were none to tell
  }
  return events;
}

void FolderWatch::read(Events& events) {
  alignas(inotify_event) char buffer[1 << 16];
  const ssize_t size = ::read(descriptor_, buffer, sizeof buffer);
  for (ssize_t at = 0; at < size;) {
    inotify_event event;
    std::memcpy(&event, buffer + at, sizeof event);
    const char* name = buffer + at + sizeof event;
    at += static_cast<ssize_t>(sizeof event) + event.len;
    if ((event.mask & IN_Q_OVERFLOW) != 0) events.lost = true;
    const auto folder = folders_.find(event.wd);
    if (folder == folders_.end()) continue;
    if ((event.mask & IN_IGNORED) != 0) {
      folders_.erase(folder);  // it was deleted
      continue;
    }
    const std::string path = folder->second + (folder->second.ends_with('/') ? "" : "/") + (event.len > 0 ? name : "");
    if (is_news(event, path)) events.paths.insert(path);
  }
}

}  // namespace e5v::library
