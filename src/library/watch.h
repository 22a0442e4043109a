#pragma once
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace e5v::library {

/// Tells which paths in folders change (inotify). A folder is watched without the folders in it. Move-only.
class FolderWatch {
 public:
  /// Throws DeviceError if the system has no more watches.
  FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;
  ~FolderWatch();

  /// Watches folders, too. A folder that has gone is passed over. Throws DeviceError, which says how to allow more, if
  /// the system has no more watches.
  void add(const std::vector<std::string>& folders);

  /// What has changed.
  struct Events {
    std::set<std::string> paths;  ///< created, completely written, renamed (both names) or deleted
    bool lost = false;            ///< there were too many: all folders are to be walked
  };

  /// Waits up to `patience` for events, and returns those until none has come for `quiet`, or for two seconds.
  Events wait(std::chrono::milliseconds patience, std::chrono::milliseconds quiet = std::chrono::milliseconds(100));

 private:
  bool is_ready_within(std::chrono::milliseconds time) const;
  void read(Events& events);

  int descriptor_ = -1;
  std::map<int, std::string> folders_;  // by watch
};

}  // namespace e5v::library
