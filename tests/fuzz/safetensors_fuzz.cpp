// Any bytes are either a correct safetensors file, all of whose tensors can be read, or a ModelError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "tensor/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto content = e5v::tensor::parse_safetensors(std::as_bytes(std::span(data, size)), "fuzz");
    std::uint64_t sum = 0, bytes = 0;
    for (const auto& [name, view] : content.tensors) {
      for (const std::byte byte : view.bytes()) sum += static_cast<std::uint64_t>(byte);
      bytes += view.bytes().size();
    }
    if (bytes > size || sum > 255 * bytes) std::abort();
  } catch (const e5v::ModelError&) {
  }
  return 0;
}
