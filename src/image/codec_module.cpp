#include "image/codec_module.h"

#include <dlfcn.h>

#include <map>
#include <mutex>

#include "base/error.h"

namespace e5v::image {
namespace {

constexpr std::string_view kModules = E5V_IMAGE_MODULES;  // " avif heif "

constexpr std::string_view kRemedy = "; convert the image to JPEG or PNG";

}  // namespace

const Codec& open_codec(const std::string& file, std::string_view format, std::string_view origin) {
  // It stays loaded, because its exceptions may outlive the call.
  void* module = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  const char* problem = module == nullptr ? ::dlerror() : nullptr;
  require(module != nullptr, "[{}] {}: the decoder {} cannot be loaded: {}{}", origin, format, file,
          problem == nullptr ? "no reason given" : problem, kRemedy);
  auto* open = reinterpret_cast<OpenCodec*>(::dlsym(module, kOpenCodec));
  require(open != nullptr, "[{}] {}: the decoder {} has another version{}", origin, format, file, kRemedy);
  return *open();
}

const Codec& module_codec(std::string_view name, std::string_view format, std::string_view origin) {
  require(kModules.find(fmt::format(" {} ", name)) != std::string_view::npos,
          "[{}] {}: this build cannot decode it, because its library was not found at configuration{}", origin, format,
          kRemedy);
  static std::mutex mutex;
  static std::map<std::string, const Codec*, std::less<>> opened;
  const std::lock_guard lock(mutex);
  auto found = opened.find(name);
  if (found == opened.end()) {
    const Codec& codec = open_codec(fmt::format("e5v_{}.so", name), format, origin);
    found = opened.emplace(name, &codec).first;
  }
  return *found->second;
}

}  // namespace e5v::image
