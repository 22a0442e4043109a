#include "library/metadata_module.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace e5v::library {

FoundReader open_metadata_module(const std::string& file) {
  void* module = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const char* problem = ::dlerror();
    return {nullptr, fmt::format("{} cannot be loaded: {}", file, problem == nullptr ? "no reason given" : problem)};
  }
  auto* open = reinterpret_cast<OpenMetadata*>(::dlsym(module, kOpenMetadata));
  if (open == nullptr) return {nullptr, fmt::format("{} has another version", file)};
  return {open(), ""};
}

const FoundReader& metadata_reader() {
#ifdef E5V_EXIV2
  static const FoundReader found = open_metadata_module("e5v_exiv2.so");
#else
  static const FoundReader found{nullptr, "Exiv2 was not found when e5v was built"};
#endif
  return found;
}

}  // namespace e5v::library
