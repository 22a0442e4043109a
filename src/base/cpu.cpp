#include "base/cpu.h"

#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

namespace e5v {
namespace {

/// The text after "key :" in a /proc file, or empty.
std::string proc_field(const char* file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

std::uint64_t memory_field(const std::string& key) {
  std::istringstream text(proc_field("/proc/meminfo", key));
  std::uint64_t kibibytes = 0;
  text >> kibibytes;
  return kibibytes * 1024;
}

std::uint64_t control_group_limit() {
  std::ifstream stream("/sys/fs/cgroup/memory.max");
  std::uint64_t bytes = 0;
  return stream >> bytes ? bytes : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.processor = proc_field("/proc/cpuinfo", "model name");
  if (machine.processor.empty()) machine.processor = "unknown processor";
  machine.cores = omp_get_num_procs();
  machine.memory = std::min(memory_field("MemTotal"), control_group_limit());
  machine.available = std::min(memory_field("MemAvailable"), machine.memory);
  return machine;
}

std::uint64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace e5v
