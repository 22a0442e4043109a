#include "tensor/device.h"

#include "base/error.h"

namespace e5v::tensor {
namespace {

Device* current = nullptr;

}  // namespace

Device& device() {
  require<DeviceError>(current != nullptr, "[device] no accelerator is open");
  return *current;
}

void set_device(Device& opened) { current = &opened; }

bool has_device() { return current != nullptr; }

}  // namespace e5v::tensor
