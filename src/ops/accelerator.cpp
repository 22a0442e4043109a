#include "ops/accelerator.h"

#include <dlfcn.h>

#include <charconv>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string_view>

#include "ops/backend.h"
#include "ops/cuda/module.h"

namespace e5v::ops {
namespace {

constexpr std::string_view kAuto = "auto", kCpu = "cpu", kCuda = "cuda";

/// The index of the GPU that "cuda" or "cuda:N" means; nothing for other names.
std::optional<int> gpu_of(std::string_view name) {
  if (!name.starts_with(kCuda)) return std::nullopt;
  name.remove_prefix(kCuda.size());
  if (name.empty()) return 0;
  int index = 0;
  const char* end = name.data() + name.size();
  const auto [stopped, error] = std::from_chars(name.data() + 1, end, index);
  const bool number = name[0] == ':' && error == std::errc() && stopped == end && index >= 0;
  return number ? std::optional(index) : std::nullopt;
}

#ifdef E5V_CUDA_MODULE
/// Checks for a driver first, because loading the module brings in large libraries, which are useless without a driver.
void require_driver() {
  void* driver = ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  require<DeviceError>(driver != nullptr, "[cuda] this machine has no NVIDIA driver: libcuda.so.1 is not found");
  ::dlclose(driver);
}
#endif

/// The module's function. Throws DeviceError, which says why there is none.
cuda::OpenBackend module_function() {
#ifdef E5V_CUDA_MODULE
  require_driver();
  void* module = ::dlopen(E5V_CUDA_MODULE, RTLD_NOW | RTLD_LOCAL);
  const char* problem = module == nullptr ? ::dlerror() : nullptr;
  require<DeviceError>(module != nullptr, "[cuda] {} cannot be loaded: {}", E5V_CUDA_MODULE,
                       problem == nullptr ? "no reason given" : problem);
  void* function = ::dlsym(module, cuda::kOpenBackend);
  require<DeviceError>(function != nullptr, "[cuda] {} has another version", E5V_CUDA_MODULE);
  return reinterpret_cast<cuda::OpenBackend>(function);
#else
  fail<DeviceError>("[cuda] this build has no CUDA: E5V_CUDA was OFF, or AUTO without the CUDA toolkit or a GPU");
#endif
}

void open_gpu(int index) {
  static std::optional<int> opened;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (opened) {
    require<DeviceError>(*opened == index, "[cuda] GPU {} is in use by this process, which cannot use GPU {} as well",
                         *opened, index);
    backend().use_on_this_thread();
    return;
  }
  tensor::set_device(*module_function()(index));
  opened = index;
}

}  // namespace

void check_device_name(const std::string& name) {
  require(name == kAuto || name == kCpu || gpu_of(name).has_value(),
          "[device] there is no device {}; there are auto, cpu, cuda and cuda:N", name);
}

std::string wanted_device(const std::string& name) {
  const char* wanted = name == kAuto ? std::getenv("E5V_DEVICE") : nullptr;
  return wanted == nullptr || *wanted == '\0' ? name : wanted;
}

tensor::Place open_device(const std::string& asked) {
  const std::string name = wanted_device(asked);
  check_device_name(name);
  if (name == kAuto) {
    try {
      open_gpu(0);
      return tensor::Place::device;
    } catch (const DeviceError&) {
      return tensor::Place::host;
    }
  }
  if (name == kCpu) return tensor::Place::host;
  open_gpu(*gpu_of(name));
  return tensor::Place::device;
}

std::string device_name(tensor::Place place) { return place == tensor::Place::host ? "cpu" : tensor::device().name(); }

Backend& backend() { return static_cast<Backend&>(tensor::device()); }

}  // namespace e5v::ops
