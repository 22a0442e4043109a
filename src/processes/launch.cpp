#include "processes/launch.h"

#include <dlfcn.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "base/error.h"

namespace e5v::processes {
namespace {

struct Names {
  const char* index;
  const char* size;
};

constexpr Names kLaunchers[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, {"PMI_RANK", "PMI_SIZE"}, {"PMIX_RANK", "SLURM_STEP_NUM_TASKS"}};

/// -1 for what is no number.
int number_in(const char* text) {
  int value = -1;
  const std::string_view all = text == nullptr ? "" : text;
  const auto result = std::from_chars(all.data(), all.data() + all.size(), value);
  return result.ec == std::errc() && result.ptr == all.data() + all.size() ? value : -1;
}

}  // namespace

Launch launch() {
  for (const Names& names : kLaunchers) {
    const Launch found{number_in(std::getenv(names.index)), number_in(std::getenv(names.size))};
    if (found.index >= 0 && found.index < found.size) return found;
  }
  return {};
}

std::unique_ptr<Transport> open_transport() {
#ifdef E5V_MPI_MODULE
  return open_transport(E5V_MPI_MODULE);
#else
  fail<DeviceError>("[mpi] started as {} processes, but this build has no MPI: it was not found at configuration",
                    launch().size);
#endif
}

std::unique_ptr<Transport> open_transport(const std::string& module) {
  // Global: the engine's own plug-ins look for its symbols. It stays loaded: what it registers at exit must be there.
  void* handle = ::dlopen(module.c_str(), RTLD_NOW | RTLD_GLOBAL);
  require<DeviceError>(handle != nullptr, "[mpi] started as {} processes, but the module for MPI cannot be loaded: {}",
                       launch().size, handle == nullptr ? ::dlerror() : "");
  auto* open = reinterpret_cast<OpenTransport*>(::dlsym(handle, "e5v_processes_open"));
  require<DeviceError>(open != nullptr, "[mpi] {} is no module of e5v", module);
  return std::unique_ptr<Transport>(open());
}

}  // namespace e5v::processes
