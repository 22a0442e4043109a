#pragma once
#include <cstdint>
#include <string>

namespace e5v {

/// What the machine is, as far as e5v's choices and messages depend on it.
struct Machine {
  std::string processor;        ///< model name from the kernel
  int cores = 0;                ///< cores this process may run on
  std::uint64_t memory = 0;     ///< bytes of main memory, or the control group's limit when lower
  std::uint64_t available = 0;  ///< bytes that can be had without swapping
};

Machine this_machine();

/// No process runs more threads: that many would exhaust any machine before anything is computed.
inline constexpr int kMaxThreads = 1024;

/// Largest resident set of this process so far, bytes.
std::uint64_t peak_resident_bytes();

}  // namespace e5v
