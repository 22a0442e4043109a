#pragma once
#include <cstdlib>
#include <filesystem>
#include <string>

namespace e5v::test {

/// A file of tests/golden.
inline std::filesystem::path golden(const std::string& name) { return std::filesystem::path(E5V_GOLDEN_DIR) / name; }

/// The full set of goldens, which is too big for the repository: the folder that E5V_EXTENDED_GOLDENS names, or empty.
inline std::filesystem::path extended_goldens() {
  const char* folder = std::getenv("E5V_EXTENDED_GOLDENS");
  return folder == nullptr ? std::filesystem::path() : std::filesystem::path(folder);
}

}  // namespace e5v::test
