#include "machine.h"

#include <fmt/chrono.h>
#include <oneapi/dnnl/dnnl.h>
#include <sys/utsname.h>

#include <cstdio>

#include "base/cpu.h"
#include "base/parallel.h"
#include "ops/isa.h"

namespace e5v::bench {
namespace {

/// The first line that a command prints; empty when the command fails.
std::string output_of(const std::string& command) {
  char line[128] = "";
  FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return "";
  if (std::fgets(line, sizeof line, pipe) == nullptr) line[0] = '\0';
  ::pclose(pipe);
  const std::string text = line;
  return text.substr(0, text.find('\n'));
}

}  // namespace

Json machine_json() {
  const Machine machine = this_machine();
  utsname system{};
  ::uname(&system);
  const dnnl_version_t* library = dnnl_version();
  const std::string commit = output_of("git -C '" E5V_SOURCE_DIR "' describe --always --dirty --abbrev=12");
  return {{"processor", machine.processor},
          {"cores", machine.cores},
          {"threads", thread_count()},
          {"instruction_set", ops::instruction_set()},
          {"native_bf16", ops::has_native_bf16()},
          {"memory_bytes", machine.memory},
          {"system", fmt::format("{} {}", system.sysname, system.release)},
          {"onednn", fmt::format("{}.{}.{}", library->major, library->minor, library->patch)},
          {"compiler", __VERSION__},
          {"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
          {"commit", commit.empty() ? "unknown" : commit}};
}

}  // namespace e5v::bench
