#pragma once
#include <filesystem>
#include <string_view>

#include "base/output_file.h"

namespace e5v::library {

/// Keeps other processes from writing a library while the object lives. The file `lock` in its folder holds the id and
/// the command of the process that has the lock. Readers need no lock.
class WriteLock {
 public:
  /// `command` is what the message of another process says about this one. Throws InvalidInput, which names the process
  /// and its command, if another process has the lock.
  WriteLock(const std::filesystem::path& folder, std::string_view command);

 private:
  OutputFile file_;
};

}  // namespace e5v::library
